/// What one input says of an exchange: how a client asks, and what the server does with it.
///
/// An input is a line of options, each a letter, and the bytes that the server sends:
///
///     hk3
///     HTTP/1.1 200 OK
///     …
///
/// An input without such a line is only what is sent.
struct Exchange: Sendable {
    enum Method: Sendable {
        case get, head, put, stream
    }

    /// What the server does when it has sent everything.
    enum End: Sendable {
        case close
        /// For a while; the next request may come on the same connection.
        case keep
        case reset
        /// The client has to lose its patience.
        case wait
    }

    private(set) var method = Method.get
    private(set) var end = End.close
    /// Answers at the first byte of a request, and does not read the rest before.
    private(set) var isEarly = false
    /// What is sent, in one write each.
    private(set) var pieces: [[UInt8]]

    /// - Parameter isEarly: Whether the server answers the first byte whatever the options say: who asks in a protocol of which it knows no end.
    init(_ bytes: [UInt8], isEarly: Bool = false) {
        self.isEarly = isEarly
        var sent = bytes[...]
        var pieceCount = 1
        if let lineEnd = bytes.prefix(9).firstIndex(of: UInt8(ascii: "\n")) {
            sent = bytes[(lineEnd + 1)...]
            for option in bytes[..<lineEnd] {
                switch option {
                case UInt8(ascii: "h"): method = .head
                case UInt8(ascii: "p"): method = .put
                case UInt8(ascii: "s"): method = .stream
                case UInt8(ascii: "k"): end = .keep
                case UInt8(ascii: "r"): end = .reset
                case UInt8(ascii: "w"): end = .wait
                case UInt8(ascii: "e"): self.isEarly = true
                case UInt8(ascii: "1")...UInt8(ascii: "9"): pieceCount = Int(option - UInt8(ascii: "0"))
                default: break
                }
            }
        }
        let length = max(1, sent.count / pieceCount)
        pieces = []
        while !sent.isEmpty {
            pieces.append(Array(sent.prefix(length)))
            sent = sent.dropFirst(length)
        }
    }

    /// Chance that is the same for the same answer (FNV-1a; Fowler, Noll, Vo 1991).
    var seed: UInt64 {
        pieces.joined().reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    /// Lets nobody lose patience, which takes longer than a thousand other exchanges.
    mutating func hurry() {
        if end == .wait { end = .close }
    }
}
