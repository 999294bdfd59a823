import MirrorCore

/// Limits how many operations a store runs at the same time; the others wait in order of arrival.
///
/// An operation is a call; the writing of a part takes its whole stream. A body that is being read takes no permit any more, so that whoever
/// reads from a pool and writes to it cannot wait for itself. Free of the limit are `location`, which asks for credentials at most, `checkHealth`
/// and `space`, which must answer however much there is to do, and `abort`, which must run in a cancelled task.
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
