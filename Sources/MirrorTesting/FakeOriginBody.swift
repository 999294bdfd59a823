import struct Crypto.SHA256
package import MirrorCore
import NIOCore

/// What a ``FakeOrigin`` has to give: bytes in memory, or bytes computed where they are asked for, so that 2 GiB cost no memory.
package enum FakeBody: Sendable {
    case bytes([UInt8])
    /// `size` bytes that depend on `seed` and on their place only.
    case generated(size: Int64, seed: UInt64)

    static let blockSize = 64 << 10

    package var size: Int64 {
        switch self {
        case .bytes(let bytes): Int64(bytes.count)
        case .generated(let size, _): size
        }
    }

    /// What who reads all of it must get; computed anew each time.
    package var sha256: Digest {
        get throws {
            var hash = SHA256()
            var reader = FakeBodyReader(self)
            var offset: Int64 = 0
            while offset < size {
                let chunk = reader.chunk(at: offset, upTo: Self.blockSize)
                chunk.withUnsafeReadableBytes { hash.update(bufferPointer: $0) }
                offset += Int64(chunk.readableBytes)
            }
            return try requireValue(Digest(.sha256, bytes: Array(hash.finalize())), "digest")
        }
    }

    /// The bytes of `range`, cut off at the end: what who reads a part must get.
    package func bytes(_ range: Range<Int64>) -> [UInt8] {
        var reader = FakeBodyReader(self)
        var out: [UInt8] = []
        var offset = range.lowerBound
        let end = min(range.upperBound, size)
        while offset < end {
            let chunk = reader.chunk(at: offset, upTo: Int(clamping: end - offset))
            out.append(contentsOf: chunk.readableBytesView)
            offset += Int64(chunk.readableBytes)
        }
        return out
    }
}

/// Reads a body from any place. A generated body is one pseudo-random block again and again, each with its number in its first 8 bytes,
/// because a debug build must be able to give gigabytes of it.
struct FakeBodyReader {
    private let body: FakeBody
    private let block: ByteBuffer

    init(_ body: FakeBody) {
        self.body = body
        switch body {
        case .bytes(let bytes): block = ByteBuffer(bytes: bytes)
        case .generated(_, let seed):
            var block = ByteBuffer()
            block.reserveCapacity(FakeBody.blockSize)
            var state = seed
            for _ in 0..<FakeBody.blockSize / 8 {
                // SplitMix64.
                state &+= 0x9E37_79B9_7F4A_7C15
                var word = state
                word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
                word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
                block.writeInteger(word ^ (word >> 31))
            }
            self.block = block
        }
    }

    /// - Returns: At least one byte while `offset` lies within the body; at most `limit`.
    mutating func chunk(at offset: Int64, upTo limit: Int) -> ByteBuffer {
        let length = min(Int64(limit), body.size - offset)
        guard length > 0 else { return ByteBuffer() }
        switch body {
        case .bytes: return block.getSlice(at: Int(offset), length: Int(length)) ?? ByteBuffer()
        case .generated:
            let start = Int(offset % Int64(FakeBody.blockSize))
            let number = offset / Int64(FakeBody.blockSize)
            var copy = block
            copy.setInteger((copy.getInteger(at: 0, as: Int64.self) ?? 0) ^ number, at: 0)
            return copy.getSlice(at: start, length: min(Int(length), FakeBody.blockSize - start)) ?? ByteBuffer()
        }
    }
}
