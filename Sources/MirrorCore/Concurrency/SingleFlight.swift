import Synchronization

/// Lets one of several callers with the same key do the work, and gives its result to all of them.
package final class SingleFlight<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private typealias Waiter = CheckedContinuation<Result<Value, any Error>?, Never>

    private let flights = Mutex<[Key: [Waiter]]>([:])

    package init() {}

    /// - Throws: What `operation` throws. A caller whose leader was cancelled does the work itself.
    package func run(_ key: Key, _ operation: () async throws -> Value) async throws -> Value {
        while true {
            // `nil`: there is nobody at work now.
            let shared = await withCheckedContinuation { (waiter: Waiter) in
                let isLeader = flights.withLock { flights -> Bool in
                    guard flights[key] != nil else {
                        flights[key] = []
                        return true
                    }
                    flights[key]?.append(waiter)
                    return false
                }
                if isLeader { waiter.resume(returning: nil) }
            }
            switch shared {
            case .success(let value): return value
            case .failure(let error) where !(error is CancellationError): throw error
            case .failure: continue
            case nil: return try await lead(key, operation)
            }
        }
    }

    private func lead(_ key: Key, _ operation: () async throws -> Value) async throws -> Value {
        let result: Result<Value, any Error>
        do {
            result = .success(try await operation())
        } catch {
            result = .failure(error)
        }
        for waiter in flights.withLock({ $0.removeValue(forKey: key) ?? [] }) { waiter.resume(returning: result) }
        return try result.get()
    }
}
