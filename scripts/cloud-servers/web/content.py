"""Bytes that were uploaded: small ones in memory, large ones in files without a name, which are gone with the last object that has them."""

import os
import tempfile

# What is larger goes to disk.
IN_MEMORY = 64 << 10
PIECE = 512 << 10


class _Memory:
    def __init__(self, data):
        self.data = data

    def read(self, offset, length):
        return self.data[offset : offset + length]


class _File:
    def __init__(self, descriptor):
        self.descriptor = descriptor

    def __del__(self):
        os.close(self.descriptor)

    def read(self, offset, length):
        return os.pread(self.descriptor, length, offset)


class Content:
    """Never changes, so copies, ranges and joins share their bytes."""

    def __init__(self, parts=()):
        self._parts = [part for part in parts if part[2] > 0]  # (where, offset, length)
        self.length = sum(part[2] for part in self._parts)

    @classmethod
    def of(cls, data):
        return cls([(_Memory(bytes(data)), 0, len(data))])

    @classmethod
    def joined(cls, contents):
        return cls([part for content in contents for part in content._parts])

    def slice(self, first, length):
        parts = []
        for where, offset, size in self._parts:
            skipped = min(first, size)
            taken = min(length, size - skipped)
            parts.append((where, offset + skipped, taken))
            first -= skipped
            length -= taken
        return Content(parts)

    def pieces(self):
        for where, offset, length in self._parts:
            end = offset + length
            while offset < end:
                piece = where.read(offset, min(PIECE, end - offset))
                if not piece:
                    raise OSError("a file of contents is shorter than it was")
                offset += len(piece)
                yield piece

    def bytes(self):
        return b"".join(self.pieces())

    def send(self, sock):
        """Without a copy into this process where the socket allows it."""
        for where, offset, length in self._parts:
            if isinstance(where, _File) and hasattr(sock, "sendfile_from"):
                sock.sendfile_from(where.descriptor, offset, length)
            else:
                for piece in Content([(where, offset, length)]).pieces():
                    sock.sendall(piece)


class Sink:
    """Takes bytes one after the other and computes their digests."""

    def __init__(self, directory, *digests):
        self.directory = directory
        self.digests = digests
        self.length = 0
        self._memory = bytearray()
        self._file = None

    def write(self, piece):
        for digest in self.digests:
            digest.update(piece)
        self.length += len(piece)
        if self._file is None and self.length > IN_MEMORY:
            descriptor, name = tempfile.mkstemp(dir=self.directory)
            os.unlink(name)
            self._file = _File(descriptor)
            self._append(self._memory)
            self._memory = bytearray()
        if self._file is None:
            self._memory += piece
        else:
            self._append(piece)

    def _append(self, data):
        data = memoryview(data)
        while data:
            data = data[os.write(self._file.descriptor, data) :]

    def content(self):
        """What was written so far. More may follow."""
        if self._file is None:
            return Content.of(self._memory)
        return Content([(self._file, 0, self.length)])
