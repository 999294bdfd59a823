import Crypto
import MirrorCore
import MirrorStorage
import NIOCore
import StorageCloud

/// Splits a body into chunks of one size and encodes them for the service. Holds one chunk, and does no I/O.
struct ChunkEncoder: Sendable {
    private struct OpenChunk {
        var encoded: ByteBuffer
        /// Bytes of the line before the chunk, which ends with the signature.
        let headLength: Int
        /// Bytes that are still missing.
        var missing: Int
        var hash = SHA256()
    }

    private let payload: ChunkedPayload
    private var signer: ChunkSigner
    private var checksum: CRC32C?
    private var input = ByteBuffer()
    private var open: OpenChunk?
    /// Bytes of the body that have not arrived yet.
    private var missing: Int64
    /// The last output; `nil` until the body has ended.
    private var ending: ByteBuffer?
    private(set) var isFinished = false

    init(_ payload: ChunkedPayload, signer: ChunkSigner) {
        self.payload = payload
        self.signer = signer
        checksum = payload.isSigned ? nil : CRC32C()
        missing = payload.decodedLength
    }

    /// Takes the next bytes of the body, after ``next()`` has returned everything before them.
    ///
    /// - Throws: ``StorageError/Code/invalidRequest`` if the body is longer than stated; it is then not sent to its end.
    mutating func take(_ buffer: ByteBuffer) throws {
        guard buffer.readableBytes <= missing else { throw mismatch("more") }
        missing -= Int64(buffer.readableBytes)
        input = buffer
    }

    /// Ends the body.
    ///
    /// - Throws: ``StorageError/Code/invalidRequest`` if bytes are missing.
    mutating func end() throws {
        guard missing == 0 else { throw mismatch("fewer") }
        var last = start()
        sign(&last)
        var out = last.encoded
        if let checksum { out.writeString(ChunkSyntax.trailer(checksum)) }
        out.writeString(ChunkSyntax.lineEnd)
        ending = out
    }

    /// - Returns: The next encoded chunk; `nil` if more of the body is needed first, or at the end (``isFinished``).
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
        // Bytes that have arrived and are in no chunk yet are in `input`; none are left for the last chunk, which is empty.
        let size = Int(min(Int64(payload.chunkSize), missing + Int64(input.readableBytes)))
        let head = payload.head(ofChunk: size)
        var encoded = ByteBuffer()
        encoded.reserveCapacity(head.utf8.count + size + ChunkSyntax.lineEnd.utf8.count)
        encoded.writeString(head)
        return OpenChunk(encoded: encoded, headLength: head.utf8.count, missing: size)
    }

    /// Replaces the zeros in the chunk's first line with the signature.
    private mutating func sign(_ chunk: inout OpenChunk) {
        guard payload.isSigned else { return }
        let signature = signer.sign(chunk: Hex.encode(chunk.hash.finalize()))
        chunk.encoded.setString(signature, at: chunk.headLength - ChunkSyntax.lineEnd.utf8.count - ChunkSyntax.signatureLength)
    }

    private func mismatch(_ word: String) -> StorageError {
        CloudErrors.s3.invalid("the body has \(word) bytes than the \(payload.decodedLength) that were stated", "send")
    }
}
