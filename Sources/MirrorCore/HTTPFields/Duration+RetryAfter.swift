extension Duration {
    /// How long a `Retry-After` asks to wait (RFC 9110 §10.2.3): seconds, or an HTTP date.
    ///
    /// A date in the past gives zero. A fraction of a second, which some servers send, is rounded up. The wait is never longer than `limit`,
    /// however many digits the number has.
    ///
    /// - Returns: `nil` for anything else: a negative number, words, several values.
    public init?(retryAfter value: String, now: Timestamp, limit: Duration) {
        if let date = Timestamp(httpDate: value) {
            self = min(max(now.duration(to: date), .zero), limit)
            return
        }
        let parts = value.utf8.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy(\.isASCIIDigit) }) else { return nil }
        // A number of seconds that does not fit is a very long wait.
        guard let seconds = Int64(Substring(parts[0])), .seconds(seconds) < limit else {
            self = limit
            return
        }
        let hasFraction = parts.count == 2 && parts[1].contains { $0 != UInt8(ascii: "0") }
        self = .seconds(hasFraction ? seconds + 1 : seconds)
    }
}
