import MirrorCore

/// Limits how many operations a store runs at the same time; the others wait in order of arrival.
///
/// An operation is one call; writing a part lasts until its stream ends. Reading a body needs no permit, so that a task that copies within a pool
/// cannot wait for itself. `location` is not limited, because at most it asks for credentials; nor are `checkHealth` and `space`, which must answer
/// under any load, and `abort`, which must run in a cancelled task.
package struct LimitStore: StoreLayer {
    package let base: any ObjectStore
    fileprivate typealias Permits = FairSemaphore<Operations>

    /// All operations share the same permits.
    fileprivate enum Operations { case all }

    private let permits: Permits

    /// - Parameter operations: The number of simultaneous operations, 1 or more.
    package init(_ base: any ObjectStore, operations: Int) {
        self.base = base
        permits = Permits(limit: operations)
    }

    /// The number of operations that wait for a permit.
    package var waitingCount: Int { permits.waitingCount(.all) }

    package func call<Value: Sendable>(
        _ operation: StoreOperation, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        switch operation {
        case .location, .checkHealth, .space: return try await body()
        default: return try await permits.withPermit(.all, body)
        }
    }

    package func around(_ upload: any ObjectUpload) -> any ObjectUpload { LimitedUpload(base: upload, permits: permits) }
}

private struct LimitedUpload: UploadLayer {
    let base: any ObjectUpload
    let permits: LimitStore.Permits

    func call<Value: Sendable>(_ operation: StoreOperation, _ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
        try await permits.withPermit(.all, body)
    }
}
