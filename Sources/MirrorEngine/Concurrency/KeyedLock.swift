import Synchronization

/// A lock for each key that may be held across suspensions; who comes first is served first.
package final class KeyedLock<Key: Hashable & Sendable>: Sendable {
    private typealias Waiter = CheckedContinuation<Void, Never>

    /// A key is here while it is held.
    private let held = Mutex<[Key: [Waiter]]>([:])

    package init() {}

    func withLock<Success: Sendable>(_ key: Key, _ body: () async throws -> Success) async rethrows -> Success {
        await acquire(key)
        defer { release(key) }
        return try await body()
    }

    /// The same for several keys, each once.
    ///
    /// - Parameter keys: In one order for all callers, or two of them wait for each other.
    func withLocks<Success: Sendable>(_ keys: [Key], _ body: () async throws -> Success) async rethrows -> Success {
        for key in keys { await acquire(key) }
        defer { keys.forEach(release) }
        return try await body()
    }

    private func acquire(_ key: Key) async {
        await withCheckedContinuation { (waiter: Waiter) in
            let isFree = held.withLock { held -> Bool in
                guard held[key] != nil else {
                    held[key] = []
                    return true
                }
                held[key]?.append(waiter)
                return false
            }
            if isFree { waiter.resume() }
        }
    }

    private func release(_ key: Key) {
        let next = held.withLock { held -> Waiter? in
            guard held[key]?.isEmpty == false else {
                held[key] = nil
                return nil
            }
            return held[key]?.removeFirst()
        }
        next?.resume()
    }
}
