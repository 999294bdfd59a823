import MirrorCore

/// A span as other processes name it: its trace, its own number, and whether it is recorded.
///
/// A caller sends it in `traceparent`. Anybody can send one, so it decides nothing but which trace a request belongs to and, within a limit, whether the
/// request is recorded.
/// - SeeAlso: W3C Trace Context, Level 1, §3.2.
package struct TraceContext: Sendable, Hashable {
    /// The name of the header field.
    package static let fieldName = "traceparent"
    /// The bytes of a value of version 00.
    package static let length = 55

    package let traceID: TraceID
    package let spanID: SpanID
    package let isSampled: Bool

    package init(traceID: TraceID, spanID: SpanID, isSampled: Bool) {
        self.traceID = traceID
        self.spanID = spanID
        self.isSampled = isSampled
    }

    /// - Parameter traceparent: The value of the field.
    /// - Returns: `nil` if it is not valid: then the request begins a trace of its own, as if it had no such field.
    package init?(traceparent: some Collection<UInt8>) {
        let bytes = Array(traceparent.prefix(Self.length + 1))
        // A later version may add fields at the end, each after a dash; its first four mean the same.
        guard bytes.count >= Self.length, [2, 35, 52].allSatisfy({ bytes[$0] == Self.dash }), let version = Self.number(bytes[0..<2]),
            version < 0xFF, bytes.count == Self.length || (version > 0 && bytes[Self.length] == Self.dash),
            let high = Self.number(bytes[3..<19]), let low = Self.number(bytes[19..<35]), let traceID = TraceID(high: high, low: low),
            let span = Self.number(bytes[36..<52]), let spanID = SpanID(span), let flags = Self.number(bytes[53..<55])
        else { return nil }
        self.init(traceID: traceID, spanID: spanID, isSampled: flags & 1 == 1)
    }

    /// The value of the field.
    package var traceparent: String { "00-\(traceID)-\(spanID)-0\(isSampled ? 1 : 0)" }

    private static let dash = UInt8(ascii: "-")

    /// A number in lower-case hexadecimal; `nil` for any other byte.
    private static func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
        var number: UInt64 = 0
        for digit in digits {
            guard !(UInt8(ascii: "A")...UInt8(ascii: "F")).contains(digit), let value = Hex.value(of: digit) else { return nil }
            number = number << 4 | UInt64(value)
        }
        return number
    }
}

/// The number of a trace: 16 bytes, not all of them zero.
package struct TraceID: Sendable, Hashable, CustomStringConvertible {
    private let high: UInt64
    private let low: UInt64

    init?(high: UInt64, low: UInt64) {
        guard high != 0 || low != 0 else { return nil }
        self.high = high
        self.low = low
    }

    static func random() -> TraceID { TraceID(randomLow: .random(in: 1 ... .max)) }

    private init(randomLow low: UInt64) {
        high = .random(in: .min ... .max)
        self.low = low
    }

    /// Less than `ratio` of all numbers, evenly: what the last 56 bits say, which are random in every trace (W3C Trace Context, Level 2, §3.3.1).
    func isWithin(_ ratio: Double) -> Bool { Double(low & 0xFF_FFFF_FFFF_FFFF) < ratio * 0x1p56 }

    /// 32 hexadecimal digits.
    package var description: String { Hex.encode(high.bigEndianBytes + low.bigEndianBytes) }
}

/// The number of a span: 8 bytes, not all of them zero.
package struct SpanID: Sendable, Hashable, CustomStringConvertible {
    private let number: UInt64

    init?(_ number: UInt64) {
        guard number != 0 else { return nil }
        self.number = number
    }

    static func random() -> SpanID { SpanID(valid: .random(in: 1 ... .max)) }

    private init(valid number: UInt64) {
        self.number = number
    }

    /// 16 hexadecimal digits.
    package var description: String { Hex.encode(number.bigEndianBytes) }
}

extension UInt64 {
    fileprivate var bigEndianBytes: [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: self >> (56 - 8 * $0)) } }
}
