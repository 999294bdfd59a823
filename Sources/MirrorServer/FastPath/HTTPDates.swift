import MirrorCore
import Synchronization

/// The value of the field `Date`, made once a second for all connections.
final class HTTPDates: Sendable {
    private let last = Mutex((second: Int64.min, bytes: [UInt8]()))

    func bytes(at time: Timestamp) -> [UInt8] {
        let second = time.second
        return last.withLock { last in
            if last.second != second { last = (second, Array(time.httpDate.utf8)) }
            return last.bytes
        }
    }
}

extension Timestamp {
    /// Since 1970.
    var second: Int64 { milliseconds / 1_000 }
}
