package import MirrorCore
import MirrorNet
import MirrorState
import MirrorStorage
import Synchronization

/// The last error of each kind, for users who want to know what a number in the metrics means.
package final class RecentErrors: Sendable {
    package struct Entry: Sendable, Equatable {
        /// What the log said, cut off at ``RecentErrors/maxMessage`` bytes. Contains no credential.
        package let message: String
        package let time: Timestamp
    }

    package static let maxMessage = 300

    private let clock: any WallClock
    /// By kind, which is one of a closed list.
    private let entries = Mutex<[String: Entry]>([:])

    init(clock: any WallClock) {
        self.clock = clock
    }

    /// By the words of ``ErrorKind``.
    package var all: [String: Entry] { entries.withLock { $0 } }

    func note(_ error: any Error, kind: String) {
        let entry = Entry(message: Self.message(of: error).cut(to: Self.maxMessage), time: clock.now)
        entries.withLock { $0[kind] = entry }
    }

    private static func message(of error: any Error) -> String {
        switch error {
        case let error as CopyError: error.detail.map { "\(error.message): \($0)" } ?? error.message
        case let error as StorageError: "\(error.operation): \(error.message)"
        case let error as StateError: error.message
        case let error as OutboundError: error.message
        default: "see the log"
        }
    }
}
