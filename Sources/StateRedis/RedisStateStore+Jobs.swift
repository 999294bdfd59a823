import MirrorCore
import MirrorState
import RedisClient

/// Copy jobs of several pools, which may be on several servers.
extension RedisStateStore {
    /// The job of a pool that is due first.
    struct FirstJob: Sendable {
        let pool: PoolID
        /// By this process' clock.
        let at: Timestamp
        /// Milliseconds until then by the server's clock; negative when it is past.
        let wait: Int64
        /// Smaller is older.
        let number: Int64
    }

    /// Those of the pools that have jobs and whose server can be asked.
    ///
    /// - Throws: ``StateError/Code/unavailable`` when none can be asked.
    func firstJobs(_ pools: Set<PoolID>) async throws(StateError) -> [FirstJob] {
        let answers = await each(pools) { pool throws(StateError) in try await self.firstJob(in: pool) }
        if let error = answers.lazy.compactMap(\.failure).first, answers.allSatisfy({ $0.failure != nil }) { throw error }
        return answers.compactMap { (try? $0.get()) ?? nil }
    }

    private func firstJob(in pool: PoolID) async throws(StateError) -> FirstJob? {
        let now = now
        let answer = try await run(.nextDue, in: pool, at: now)
        guard !answer.isNull else { return nil }
        guard let values = answer.array, values.count == 3, let number = values[1].integer, let due = Self.milliseconds(values[0]),
            let said = Self.milliseconds(values[2]), let at = Self.time(values[0], saidAt: values[2], heardAt: now)
        else { throw .unexpected("nextDue") }
        return FirstJob(pool: pool, at: at, wait: due - said, number: number)
    }

    func lease(in pool: PoolID, worker: String, duration: Duration) async throws(StateError) -> CopyLease? {
        let now = now
        let answer = try await run(.lease, in: pool, [], [.text(worker), Self.milliseconds(duration)], at: now)
        guard !answer.isNull else { return nil }
        guard let values = answer.array, values.count == 5, let id = values[0].string.flatMap({ keys(of: pool).replica(ofURL: $0) }),
            let token = values[1].integer, let attempt = values[2].integer,
            let expires = Self.time(values[3], saidAt: values[4], heardAt: now)
        else { throw .unexpected("lease") }
        return CopyLease(id: id, token: token, attempt: Int(attempt), expires: expires)
    }

    /// Jobs in these pools; none where nobody can be asked, so that one server that is away does not keep the others from their work.
    func queued(in pools: [PoolKeys]) async -> Int {
        guard !pools.isEmpty else { return 0 }
        return await each(pools) { keys throws(StateError) in try await self.execute(RedisCommand("XLEN", key: keys.jobs)).integer ?? 0 }
            .reduce(0) { $0 + Int((try? $1.get()) ?? 0) }
    }

    /// All at the same time, so that they travel together.
    func each<Element: Sendable, Value: Sendable>(
        _ elements: some Sequence<Element>, _ body: @escaping @Sendable (Element) async throws(StateError) -> Value
    ) async -> [Result<Value, StateError>] {
        await withTaskGroup(of: Result<Value, StateError>.self) { group in
            for element in elements {
                group.addTask {
                    do throws(StateError) {
                        return .success(try await body(element))
                    } catch {
                        return .failure(error)
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }

    static func stale(_ lease: CopyLease) -> StateError {
        StateError(.staleLease, "another worker has the copy job of \(lease.id) now, or it is done, or the replica was purged")
    }

    // MARK: Times

    /// Within what a script can add to its time without loss.
    static func milliseconds(_ duration: Duration) -> RedisWord {
        .integer(min(max(duration.wholeMilliseconds, -(1 << 51)), 1 << 51))
    }

    /// Scores may be larger than any time.
    static func milliseconds(_ value: RedisValue) -> Int64? {
        guard let text = value.string, let number = Double(text), !number.isNaN else { return nil }
        return Int64(text) ?? Int64(min(max(number, -0x1p62), 0x1p62))
    }

    /// A time by the server's clock as one by this process' clock.
    ///
    /// - Parameter saidAt: The server's time when it said so.
    /// - Parameter heardAt: This process' time when it was asked: what is due, or runs out, is never thought to be later than it is.
    static func time(_ value: RedisValue, saidAt: RedisValue, heardAt: Timestamp) -> Timestamp? {
        guard let time = milliseconds(value), let said = milliseconds(saidAt) else { return nil }
        let (wait, overflow) = time.subtractingReportingOverflow(said)
        return overflow ? nil : heardAt + .milliseconds(wait)
    }
}

extension Result {
    var failure: Failure? {
        if case .failure(let error) = self { error } else { nil }
    }
}
