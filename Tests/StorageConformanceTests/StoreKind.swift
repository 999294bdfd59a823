import Logging
import MirrorCore
import MirrorStorage
import MirrorTesting
import TestServers

@testable import StorageLocal

/// The stores that the conformance suite runs over.
enum StoreKind: String, CaseIterable, Sendable, CustomStringConvertible {
    case memory, local
    case onePart = "memory in one part"
    case layeredMemory = "memory in all layers"
    case layeredLocal = "local in all layers"

    var description: String { rawValue }

    /// Runs `body` with an empty store of this kind.
    func withStore(_ body: (any ObjectStore) async throws -> Void) async throws {
        switch self {
        case .memory:
            try await body(MemoryStore())
        case .onePart:
            try await body(OnePartStore(base: MemoryStore()))
        case .layeredMemory:
            try await body(Self.layered(MemoryStore()))
        case .local:
            try await withLocalStore { store, _ in try await body(store) }
        case .layeredLocal:
            try await withLocalStore { store, _ in try await body(Self.layered(store)) }
        }
    }

    private static func layered(_ store: any ObjectStore) throws -> any ObjectStore {
        StoreLayers(operations: 64, patience: .seconds(2))
            .around(store, pool: try requireValue(PoolID(service: "test", region: "conformance"), "pool"))
    }
}

/// Runs `body` with a store in a directory of its own.
func withLocalStore(_ body: (LocalStore, TemporaryDirectory) async throws -> Void) async throws {
    let directory = try TemporaryDirectory()
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    try await body(LocalStore.open(directory: directory.path, region: "test", minFreeBytes: 0, logger: logger), directory)
}
