"""Archives with the same bytes on each run."""

import gzip
import io
import random
import tarfile
import zipfile

from .answers import PUBLISHED


def tar(files, compression="gz"):
    """files: names to bytes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime, entry.mode = len(data), PUBLISHED, 0o644
            archive.addfile(entry, io.BytesIO(data))
    if compression == "gz":
        return gzip.compress(out.getvalue(), mtime=PUBLISHED)
    if compression == "bz2":
        import bz2

        return bz2.compress(out.getvalue())
    return out.getvalue()


def zipped(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2023, 11, 14, 22, 13, 20)), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def noise(size, seed):
    """Bytes that no compression makes smaller."""
    return random.Random(seed).randbytes(size)
