import MirrorCore
import MirrorState
import MirrorTesting
import StateSQLite
import TestServers
import Testing

/// The implementations that the suite runs over.
enum StateStoreKind: String, CustomTestStringConvertible {
    case memory = "MemoryStateStore"
    case sqlite = "SQLiteStateStore"
    case redis = "RedisStateStore"
    case redisCluster = "RedisStateStore over a cluster"
    case hotMemory = "HotIndex over MemoryStateStore"
    case hotSQLite = "HotIndex over SQLiteStateStore"
    case hotRedis = "HotIndex over RedisStateStore"

    static let all: [StateStoreKind] = [.memory, .sqlite, .hotMemory, .hotSQLite] + allOfRedis
    /// Those that keep the state themselves, each once.
    static let keeping: [StateStoreKind] = [.memory, .sqlite] + allOfRedis.filter { $0 == .redis }
    static let durable: [StateStoreKind] = [.sqlite, .hotSQLite] + allOfRedis
    /// Those that keep activity.
    static let learning: [StateStoreKind] = [.memory, .sqlite] + allOfRedis.filter { $0 != .hotRedis }
    private static let allOfRedis: [StateStoreKind] = RedisServer.isExpected ? [.redis, .redisCluster, .hotRedis] : []

    private typealias Around = @Sendable (any StateStore, any WallClock) -> any StateStore

    var testDescription: String { rawValue }

    func subject() async throws -> StateStoreSubject {
        switch self {
        case .memory:
            StateStoreSubject { clock, maxQueued, perOrigin in
                MemoryStateStore(clock: clock, maxQueued: maxQueued, maxQueuedPerOrigin: perOrigin)
            }
        case .hotMemory:
            StateStoreSubject { clock, maxQueued, perOrigin in
                HotIndex(
                    MemoryStateStore(clock: clock, maxQueued: maxQueued, maxQueuedPerOrigin: perOrigin), memory: 20_000, clock: clock)
            }
        case .sqlite:
            try Self.sqlite { store, _ in store }
        case .hotSQLite:
            try Self.sqlite { HotIndex($0, memory: 20_000, clock: $1) }
        case .redis:
            Self.redis(in: try await .onServer()) { store, _ in store }
        case .hotRedis:
            Self.redis(in: try await .onServer()) { HotIndex($0, memory: 20_000, clock: $1) }
        case .redisCluster:
            Self.redis(in: try await .onCluster()) { store, _ in store }
        }
    }

    /// Without take-over, because a lease is to run on over a restart where the suite looks at that.
    private static func sqlite(_ around: @escaping Around) throws -> StateStoreSubject {
        let directory = try TemporaryDirectory()
        return StateStoreSubject { clock, maxQueued, perOrigin in
            around(
                try SQLiteStateStore(
                    path: "\(directory.path)/state.sqlite", maxQueued: maxQueued, maxQueuedPerOrigin: perOrigin, takeOver: false,
                    clock: clock), clock)
        }
    }

    private static func redis(
        in place: RedisPlace, _ around: @escaping Around
    ) -> StateStoreSubject {
        StateStoreSubject { clock, maxQueued, perOrigin in
            around(try await place.open(clock, maxQueued: maxQueued, maxQueuedPerOrigin: perOrigin), clock)
        }
    }

    func activitySubject() async throws -> ActivityStoreSubject {
        switch self {
        case .memory, .hotMemory:
            return ActivityStoreSubject { clock, history, maxSums in
                MemoryStateStore(clock: clock, history: history, maxSums: maxSums)
            }
        case .sqlite, .hotSQLite:
            let directory = try TemporaryDirectory()
            return ActivityStoreSubject { clock, history, maxSums in
                try SQLiteStateStore(
                    path: "\(directory.path)/state.sqlite", maxQueued: 1_000, history: history, maxSums: maxSums, takeOver: false,
                    clock: clock)
            }
        case .redis, .hotRedis:
            return Self.redisActivity(in: try await .onServer())
        case .redisCluster:
            return Self.redisActivity(in: try await .onCluster())
        }
    }

    private static func redisActivity(in place: RedisPlace) -> ActivityStoreSubject {
        ActivityStoreSubject { clock, history, maxSums in try await place.open(clock, history: history, maxSums: maxSums) }
    }
}
