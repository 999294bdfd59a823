import MirrorCore
import MirrorState
import MirrorTesting
import StateSQLite
import Testing

/// The implementations that the suite runs over.
enum StateStoreKind: String, CaseIterable, CustomTestStringConvertible {
    case memory = "MemoryStateStore"
    case sqlite = "SQLiteStateStore"
    case hotMemory = "HotIndex over MemoryStateStore"
    case hotSQLite = "HotIndex over SQLiteStateStore"

    static let durable: [StateStoreKind] = [.sqlite, .hotSQLite]

    var testDescription: String { rawValue }

    func subject() throws -> StateStoreSubject {
        let directory = try TemporaryDirectory()
        return StateStoreSubject { clock, maxQueued in
            switch self {
            case .memory:
                MemoryStateStore(clock: clock, maxQueued: maxQueued)
            case .sqlite:
                try Self.sqlite(directory, clock, maxQueued)
            case .hotMemory:
                HotIndex(MemoryStateStore(clock: clock, maxQueued: maxQueued), capacity: 64)
            case .hotSQLite:
                HotIndex(try Self.sqlite(directory, clock, maxQueued), capacity: 64)
            }
        }
    }

    /// Without take-over, because a lease is to run on over a restart where the suite looks at that.
    private static func sqlite(_ directory: TemporaryDirectory, _ clock: any WallClock, _ maxQueued: Int) throws -> SQLiteStateStore {
        try SQLiteStateStore(path: "\(directory.path)/state.sqlite", maxQueued: maxQueued, takeOver: false, clock: clock)
    }
}
