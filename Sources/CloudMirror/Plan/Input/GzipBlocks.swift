import CZlib

/// A file that gzip has compressed, of any number of members (RFC 1952). Takes the same memory however much comes out.
final class GzipBlocks: LogBlocks {
    static let magic: [UInt8] = [0x1F, 0x8B]
    /// Bytes that are decompressed at a time.
    private static let blockSize = 1 << 16
    /// The largest window; 16 more make zlib read gzip's header and check what its trailer says.
    private static let windowBits: CInt = 15 + 16

    private let blocks: any LogBlocks
    private let name: String
    private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: GzipBlocks.blockSize, alignment: 16)
    /// Stays where it is: zlib keeps its address.
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private let startCode: CInt
    private var isInMember = true
    private var isAtEnd = false

    init(_ blocks: any LogBlocks, name: String) {
        self.blocks = blocks
        self.name = name
        stream.initialize(to: z_stream())
        startCode = inflateInit2_(stream, Self.windowBits, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size))
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
        input.deallocate()
    }

    var position: Int64 { blocks.position }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        guard startCode == Z_OK else { throw CommandFailure("\(name): cannot be decompressed: zlib's error \(startCode)") }
        let size = uInt(clamping: buffer.count)
        stream.pointee.next_out = buffer.baseAddress?.assumingMemoryBound(to: Bytef.self)
        stream.pointee.avail_out = size
        while !isAtEnd, stream.pointee.avail_out > 0 {
            if stream.pointee.avail_in == 0 { try fill() }
            if isInMember { try inflateMember() } else { try beginMember() }
        }
        return Int(size - stream.pointee.avail_out)
    }

    private func fill() throws {
        stream.pointee.avail_in = uInt(try blocks.read(into: input))
        stream.pointee.next_in = input.baseAddress?.assumingMemoryBound(to: Bytef.self)
    }

    private func inflateMember() throws {
        switch inflate(stream, Z_NO_FLUSH) {
        case Z_OK: break
        case Z_STREAM_END: isInMember = false
        // Nothing comes out, although there is room for it, and nothing more can go in.
        case Z_BUF_ERROR: throw CommandFailure("\(name): the file ends within its compressed data: it is incomplete")
        default: throw damage(stream.pointee.msg.map { String(cString: $0) } ?? "not gzip data")
        }
    }

    /// Call it after a member, with the following bytes as input.
    private func beginMember() throws {
        guard stream.pointee.avail_in > 0 else {
            isAtEnd = true
            return
        }
        // Zeros may fill up the last block of a tape.
        if stream.pointee.next_in?.pointee == 0 {
            try requireZerosToTheEnd()
            isAtEnd = true
            return
        }
        guard inflateReset(stream) == Z_OK else { throw damage("cannot continue") }
        isInMember = true
    }

    private func requireZerosToTheEnd() throws {
        while stream.pointee.avail_in > 0 {
            let rest = UnsafeBufferPointer(start: stream.pointee.next_in, count: Int(stream.pointee.avail_in))
            guard rest.allSatisfy({ $0 == 0 }) else { throw damage("zeros, followed by other data") }
            try fill()
        }
    }

    private func damage(_ what: String) -> CommandFailure {
        CommandFailure("\(name): the compressed data are damaged before byte \(blocks.position - Int64(stream.pointee.avail_in)): \(what)")
    }
}
