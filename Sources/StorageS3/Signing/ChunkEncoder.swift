import Crypto
import MirrorCore
import MirrorStorage
import NIOCore
import StorageCloud

/// Cuts a body into chunks of one size and writes them as the service wants them; holds one chunk. Knows nothing of where bytes come from.
struct ChunkEncoder: Sendable {
    private struct OpenChunk {
        var encoded: ByteBuffer
        /// Bytes of the line before the chunk, at whose end the signature stands.
        let headLength: Int
        /// Bytes that are still to come.
        var missing: Int
        var hash = SHA256()
    }

    private let payload: ChunkedPayload
    private var signer: ChunkSigner
    private var checksum: CRC32C?
    private var input = ByteBuffer()
    private var open: OpenChunk?
    /// Bytes of the body that have not come in yet.
    private var missing: Int64
    /// What goes out last; `nil` until the body has ended.
    private var ending: ByteBuffer?
    private(set) var isFinished = false

    init(_ payload: ChunkedPayload, signer: ChunkSigner) {
        self.payload = payload
        self.signer = signer
        checksum = payload.isSigned ? nil : CRC32C()
        missing = payload.decodedLength
    }

    /// Takes the next bytes of the body; everything before them must have been asked for by ``next()``.
    ///
    /// - Throws: ``StorageError/Code/invalidRequest`` when the body is longer than stated: it is not sent to its end then.
    mutating func take(_ buffer: ByteBuffer) throws {
        guard buffer.readableBytes <= missing else { throw mismatch("more") }
        missing -= Int64(buffer.readableBytes)
        input = buffer
    }

    /// The body has no more bytes.
    ///
    /// - Throws: ``StorageError/Code/invalidRequest`` when there should have been more.
    mutating func end() throws {
        guard missing == 0 else { throw mismatch("fewer") }
        var last = start()
        sign(&last)
        var out = last.encoded
        if let checksum { out.writeString(ChunkSyntax.trailer(checksum)) }
        out.writeString(ChunkSyntax.lineEnd)
        ending = out
    }

    /// - Returns: The next chunk as it is to be sent; `nil` when more of the body is needed first, or at the end (``isFinished``).
    mutating func next() -> ByteBuffer? {
        while input.readableBytes > 0 {
            var chunk = open.take() ?? start()
            guard var piece = input.readSlice(length: min(chunk.missing, input.readableBytes)) else { break }
            chunk.missing -= piece.readableBytes
            piece.withUnsafeReadableBytes { bytes in
                if payload.isSigned { chunk.hash.update(bufferPointer: bytes) }
                checksum?.update(bytes)
            }
            chunk.encoded.writeBuffer(&piece)
            if chunk.missing == 0 {
                sign(&chunk)
                chunk.encoded.writeString(ChunkSyntax.lineEnd)
                return chunk.encoded
            }
            open = chunk
        }
        guard let ending = ending.take() else { return nil }
        isFinished = true
        return ending
    }

    private func start() -> OpenChunk {
        // What has come in and is in no chunk yet is in `input`; nothing is left for the last chunk, which is empty.
        let size = Int(min(Int64(payload.chunkSize), missing + Int64(input.readableBytes)))
        let head = payload.head(ofChunk: size)
        var encoded = ByteBuffer()
        encoded.reserveCapacity(head.utf8.count + size + ChunkSyntax.lineEnd.utf8.count)
        encoded.writeString(head)
        return OpenChunk(encoded: encoded, headLength: head.utf8.count, missing: size)
    }

    /// Writes the signature over the zeros that hold its place.
    private mutating func sign(_ chunk: inout OpenChunk) {
        guard payload.isSigned else { return }
        let signature = signer.sign(chunk: Hex.encode(chunk.hash.finalize()))
        chunk.encoded.setString(signature, at: chunk.headLength - ChunkSyntax.lineEnd.utf8.count - ChunkSyntax.signatureLength)
    }

    private func mismatch(_ word: String) -> StorageError {
        CloudErrors.s3.invalid("the body has \(word) bytes than the \(payload.decodedLength) that were stated", "send")
    }
}
