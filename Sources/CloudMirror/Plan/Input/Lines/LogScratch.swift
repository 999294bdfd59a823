/// Holds fields that differ from the bytes of their line because of quotes and escapes. They stay valid until the next line that needs it.
final class LogScratch {
    private let bytes: UnsafeMutableRawBufferPointer
    private var count = 0
    private var start = 0

    /// - Parameter capacity: Bytes; no line is longer.
    init(capacity: Int) {
        bytes = .allocate(byteCount: capacity, alignment: 1)
    }

    deinit { bytes.deallocate() }

    func clear() {
        count = 0
        start = 0
    }

    func append(_ byte: UInt8) {
        guard count < bytes.count else { return }
        bytes[count] = byte
        count += 1
    }

    /// The bytes that were appended since the last field.
    func field() -> LogBytes {
        defer { start = count }
        return LogBytes(rebasing: bytes[start..<count])
    }
}
