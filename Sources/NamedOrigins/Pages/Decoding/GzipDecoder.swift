import CZlib
import NIOCore

/// Why a body cannot be decoded: phrased to follow "it".
struct GzipError: Error, Equatable {
    let reason: String
}

/// Decompresses an origin's data, of any number of members (RFC 1952), in pieces of bounded size.
///
/// Not thread-safe: one task reads one body.
final class GzipDecoder {
    /// The maximum ratio of output to input. Indexes shrink to a twentieth; deflate can compress zeros to a thousandth.
    static let maxRatio: Int64 = 200
    /// The output that is allowed whatever the ratio, in bytes; and how much longer the input may be than the output.
    static let allowance: Int64 = 1 << 20
    /// Most data have one member, or one for each 64 KiB.
    static let maxMembers = 65_536
    /// The size of a piece of output, in bytes.
    private static let pieceSize = 64 << 10
    /// The largest window; 16 more make zlib read gzip's header and check what its trailer says.
    private static let windowBits: CInt = 15 + 16

    /// Stays where it is: zlib keeps its address.
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private let startCode: CInt
    private var input: [UInt8] = []
    private var position = 0
    private var bytesIn: Int64 = 0
    /// Of the input, those that were decompressed.
    private var bytesTaken: Int64 = 0
    private var bytesOut: Int64 = 0
    private var members = 0
    private var isInMember = false

    init() {
        stream.initialize(to: z_stream())
        startCode = inflateInit2_(stream, Self.windowBits, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size))
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Adds input; all previous output must have been taken.
    func add(_ bytes: ByteBuffer) {
        input = Array(bytes.readableBytesView)
        position = 0
        bytesIn += Int64(input.count)
    }

    /// What comes out next.
    ///
    /// - Returns: Empty if more input is needed.
    /// - Throws: ``GzipError``.
    func next() throws(GzipError) -> [UInt8] {
        guard startCode == Z_OK else { throw GzipError(reason: "cannot be decompressed: zlib's error \(startCode)") }
        var out = [UInt8](repeating: 0, count: Self.pieceSize)
        while position < input.count || isInMember {
            if !isInMember {
                guard inflateReset(stream) == Z_OK else { throw GzipError(reason: "cannot be decompressed") }
                members += 1
                guard members <= Self.maxMembers else { throw GzipError(reason: "has more than \(Self.maxMembers) compressed parts") }
                isInMember = true
            }
            let (code, consumed, produced) = inflateOnce(&out)
            position += consumed
            bytesTaken += Int64(consumed)
            bytesOut += Int64(produced)
            guard bytesOut <= Self.allowance || bytesOut / Self.maxRatio <= bytesIn else {
                throw GzipError(reason: "is more than \(Self.maxRatio) times as large as its compressed form")
            }
            // Members and blocks may be empty, without end. What cannot be compressed grows by a thousandth.
            guard bytesTaken - bytesOut <= Self.allowance + bytesOut / 64 else {
                throw GzipError(reason: "is shorter than its compressed form")
            }
            switch code {
            case Z_STREAM_END: isInMember = false
            // There is no output without more input.
            case Z_BUF_ERROR: return []
            case Z_OK: break
            default: throw GzipError(reason: "is damaged, or not gzip data")
            }
            if produced > 0 {
                out.removeLast(out.count - produced)
                return out
            }
        }
        return []
    }

    /// - Throws: ``GzipError`` if something is missing.
    func finish() throws(GzipError) {
        if isInMember { throw GzipError(reason: "ends within its compressed data") }
    }

    private func inflateOnce(_ out: inout [UInt8]) -> (code: CInt, consumed: Int, produced: Int) {
        input.withUnsafeMutableBufferPointer { input in
            out.withUnsafeMutableBufferPointer { out in
                let count = input.count - position
                stream.pointee.next_in = input.baseAddress.map { $0 + position }
                stream.pointee.avail_in = uInt(count)
                stream.pointee.next_out = out.baseAddress
                stream.pointee.avail_out = uInt(out.count)
                let code = inflate(stream, Z_NO_FLUSH)
                return (code, count - Int(stream.pointee.avail_in), out.count - Int(stream.pointee.avail_out))
            }
        }
    }
}
