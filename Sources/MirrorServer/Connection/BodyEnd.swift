import MirrorCore
import NIOHTTP1

/// Where a request's body ends (RFC 9112 §6.3), so that no byte after it is decoded with it.
enum BodyEnd {
    /// This many bytes from here.
    case length(Int)
    case chunked(ChunkedBody)

    /// - Throws: If the length cannot be read. The decoder has already refused two lengths, or a length together with chunks.
    init(_ head: HTTPRequestHead) throws(HTTPParserError) {
        if head.headers.contains(name: "transfer-encoding") {
            self = .chunked(ChunkedBody())
        } else if let field = head.headers.first(name: "content-length") {
            let digits = field.utf8.filter { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }
            guard let length = Int(String(decoding: digits, as: UTF8.self)), length >= 0 else { throw .invalidContentLength }
            self = .length(length)
        } else {
            self = .length(0)
        }
    }

    var isReached: Bool {
        switch self {
        case .length(let rest): rest == 0
        case .chunked(let body): body.isOver
        }
    }

    /// Takes bytes, up to the body's end.
    ///
    /// - Returns: How many.
    mutating func take(_ bytes: UnsafeRawBufferPointer) -> Int {
        switch self {
        case .length(let rest):
            let count = min(rest, bytes.count)
            self = .length(rest - count)
            return count
        case .chunked(var body):
            defer { self = .chunked(body) }
            return body.take(bytes)
        }
    }
}

/// Follows a chunked body to its end (RFC 9112 §7.1). The decoder checks whether it is well-formed.
struct ChunkedBody {
    private enum Place {
        /// In the digits of a chunk's size.
        case size(Int)
        /// After the digits, in the same line.
        case sizeLine(Int)
        /// In a chunk, with this many bytes left, including its line end.
        case chunk(Int)
        /// In the lines after the last chunk.
        case trailers(isLineEmpty: Bool)
        case end
    }

    private var place = Place.size(0)

    var isOver: Bool { if case .end = place { true } else { false } }

    /// - Returns: How many bytes belong to the body.
    mutating func take(_ bytes: UnsafeRawBufferPointer) -> Int {
        var position = 0
        while position < bytes.count {
            if case .chunk(let rest) = place {
                let count = min(rest, bytes.count - position)
                position += count
                place = count == rest ? .size(0) : .chunk(rest - count)
                continue
            }
            follow(bytes[position])
            position += 1
            if isOver { break }
        }
        return position
    }

    /// Reads one byte outside of a chunk.
    private mutating func follow(_ byte: UInt8) {
        switch place {
        case .size(let size):
            if let digit = Hex.value(of: byte) {
                // The decoder refuses a size this large.
                place = .size(size > Int.max >> 5 ? size : size << 4 | Int(digit))
            } else {
                place = .sizeLine(size)
                follow(byte)
            }
        case .sizeLine(let size):
            guard byte == UInt8(ascii: "\n") else { return }
            place = size == 0 ? .trailers(isLineEmpty: true) : .chunk(size + 2)
        case .trailers(let isLineEmpty):
            switch byte {
            case UInt8(ascii: "\n"): place = isLineEmpty ? .end : .trailers(isLineEmpty: true)
            case UInt8(ascii: "\r"): break
            default: place = .trailers(isLineEmpty: false)
            }
        case .chunk, .end: break
        }
    }
}
