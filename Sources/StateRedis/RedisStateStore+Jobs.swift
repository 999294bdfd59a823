package import MirrorCore
package import MirrorState
import RedisClient

/// Copy jobs of several pools, which may be on different servers.
extension RedisStateStore {
    package func lease(_ terms: LeaseTerms) async throws -> LeaseOutcome {
        if terms.pools.count == 1, let pool = terms.pools.first { return try await lease(in: pool, terms) }
        for lanes in terms.passingOver {
            if let outcome = try await lease(terms, passingOver: lanes) { return outcome }
        }
        return .notDue(next: try await nextDue(pools: terms.pools, passingOver: terms.passingOver.last ?? []))
    }

    private func lease(in pool: PoolID, _ terms: LeaseTerms) async throws -> LeaseOutcome {
        while true {
            switch try await lease(in: pool, terms, at: now) {
            case .outcome(let outcome): return outcome
            case .movedToOtherLane: continue
            }
        }
    }

    private func lease(_ terms: LeaseTerms, passingOver lanes: Set<CopyLane>) async throws -> LeaseOutcome? {
        var terms = terms
        terms.passingOver = [lanes]
        search: while true {
            // Another worker may be faster: then the next pool is tried.
            for pool in try await poolsByFirstJob(terms.pools, passingOver: lanes) {
                switch try await lease(in: pool, terms, at: now) {
                case .outcome(.notDue): continue
                case .outcome(let outcome): return outcome
                case .movedToOtherLane: continue search
                }
            }
            return nil
        }
    }

    package func nextDue(pools: Set<PoolID>, passingOver lanes: Set<CopyLane>) async throws -> Timestamp? {
        try await firstJobs(pools, passingOver: lanes).map(\.at).min()
    }

    package func extend(_ lease: CopyLease, duration: Duration) async throws -> CopyLease {
        let now = clock.now
        let answer = try await run(.extend, lease.id, [.integer(lease.token), Self.milliseconds(duration)], at: now)
        guard !answer.isNull else { throw StateError.stale(lease) }
        guard let values = answer.array, values.count == 4, let attempt = values[0].integer,
            let expires = Self.time(values[1], saidAt: values[2], heardAt: now), let unfinished = values[3].integer
        else { throw StateError.unexpected("extend") }
        return CopyLease(
            id: lease.id, token: lease.token, attempt: Int(attempt), queuedAt: lease.queuedAt, expires: expires,
            lane: unfinished > 0 ? .unfinished : nil)
    }

    /// A plain look: the record has the token of the newest lease.
    package func confirm(_ lease: CopyLease) async throws {
        let answer = try await execute(RedisCommand("HGET", key: keys(of: lease.id.pool).replica(lease.id.artifact), "token"))
        guard answer.integer == lease.token else { throw StateError.stale(lease) }
    }

    package func finish(_ lease: CopyLease, _ result: CopyResult, leasing terms: LeaseTerms?) async throws -> LeaseOutcome? {
        let now = clock.now
        let pool = lease.id.pool
        let terms = alsoLeased(terms, in: pool)
        let failure = CopyFailure.unfinished(at: now)
        let (token, maxErrors) = (RedisWord.integer(lease.token), RedisWord.integer(Int64(maxQueued)))
        func arguments(_ how: RedisWord, _ rest: [RedisWord]) -> [RedisWord] {
            [token, how, maxErrors] + words(terms, failure, at: now) + rest
        }
        let all: [RedisWord] =
            switch result {
            case .present(let object): arguments("present", RecordFields.words(object))
            case .failed(let failure): arguments(failure.isDeadLetter ? "dead" : "failed", RecordFields.words(failure, at: now))
            case .retry(let pause): arguments("retry", [Self.milliseconds(max(pause, .zero))])
            case .handBack: arguments("back", [])
            }
        let hash = lease.id.artifact.nameHash
        let answer = try await feed.knowing(lease.id, hash: hash, isKept: { _ in true }) {
            let answer = try await run(.finish, lease.id, hash: hash, all, at: now)
            guard !answer.isNull else { throw StateError.stale(lease) }
            return answer
        }
        return terms == nil ? nil : try outcome((answer.array ?? [])[...], in: pool, failure, at: now)
    }

    /// A script has the keys of one pool only: with several, the next job may be in another one.
    func alsoLeased(_ terms: LeaseTerms?, in pool: PoolID) -> LeaseTerms? {
        terms?.pools == [pool] ? terms : nil
    }

    /// The job of a pool that is due first.
    struct FirstJob: Sendable {
        let pool: PoolID
        /// By this process's clock.
        let at: Timestamp
        /// Milliseconds until then by the server's clock; negative if it has passed.
        let wait: Int64
        /// Smaller is older.
        let number: Int64
    }

    /// The first jobs of the pools that have jobs and whose server can be asked.
    ///
    /// - Throws: ``StateError/Code/unavailable`` if no server can be asked.
    func firstJobs(_ pools: Set<PoolID>, passingOver lanes: Set<CopyLane>) async throws(StateError) -> [FirstJob] {
        let answers = await each(pools) { pool throws(StateError) in try await self.firstJob(in: pool, passingOver: lanes) }
        if let error = answers.lazy.compactMap(\.failure).first, answers.allSatisfy({ $0.failure != nil }) { throw error }
        return answers.compactMap { (try? $0.get()) ?? nil }
    }

    private func firstJob(in pool: PoolID, passingOver lanes: Set<CopyLane>) async throws(StateError) -> FirstJob? {
        let now = now
        let answer = try await run(.nextDue, in: pool, [], Self.words(lanes), at: now)
        guard !answer.isNull else { return nil }
        guard let values = answer.array, values.count == 3, let number = values[1].integer, let due = Self.milliseconds(values[0]),
            let said = Self.milliseconds(values[2]), let at = Self.time(values[0], saidAt: values[2], heardAt: now)
        else { throw .unexpected("nextDue") }
        return FirstJob(pool: pool, at: at, wait: due - said, number: number)
    }

    /// The pools with a job that is due, the one with the oldest job first. A single pool is returned without a check.
    func poolsByFirstJob(_ pools: Set<PoolID>, passingOver lanes: Set<CopyLane>) async throws(StateError) -> [PoolID] {
        guard pools.count > 1 else { return Array(pools) }
        return try await firstJobs(pools, passingOver: lanes).filter { $0.wait <= 0 }
            .sorted { ($0.wait, $0.number) < ($1.wait, $1.number) }.map(\.pool)
    }

    private enum LeaseAnswer {
        case outcome(LeaseOutcome)
        /// The first job's lease expired; the job is in another lane now, and another one may be first.
        case movedToOtherLane
    }

    private func lease(in pool: PoolID, _ terms: LeaseTerms, at now: Timestamp) async throws(StateError) -> LeaseAnswer {
        let failure = CopyFailure.unfinished(at: now)
        let answer = try await run(.lease, in: pool, [], words(terms, failure, at: now), at: now)
        guard let values = answer.array else { throw .unexpected("lease") }
        if values.first?.string == "moved" { return .movedToOtherLane }
        return .outcome(try outcome(values[...], in: pool, failure, at: now))
    }

    /// What `termsAt` in `prelude_leases.lua` reads.
    ///
    /// - Parameter terms: `nil` to lease no job.
    /// - Parameter failure: What becomes of a replica whose job is set aside; its reason is `unfinished`.
    func words(_ terms: LeaseTerms?, _ failure: CopyFailure, at now: Timestamp) -> [RedisWord] {
        guard let terms else { return ["0"] }
        var words: [RedisWord] = [
            .text(terms.worker), Self.milliseconds(terms.duration), .integer(Int64(CopyJob.maxUnfinished)), .integer(Int64(maxQueued)),
            .text(failure.message), Self.milliseconds(now.duration(to: failure.retryAt)), .integer(Int64(terms.passingOver.count)),
        ]
        for lanes in terms.passingOver { words += Self.words(lanes) }
        return [.integer(Int64(words.count))] + words
    }

    /// Reads the answer of `leaseNext` in `prelude_leases.lua`.
    ///
    /// - Parameter now: When the script was called.
    /// - Parameter claimed: Mostly its job is the one that is leased, and then its name need not be read.
    func outcome(
        _ answer: ArraySlice<RedisValue>, in pool: PoolID, _ failure: CopyFailure, at now: Timestamp, claimed: ReplicaID? = nil
    ) throws(StateError) -> LeaseOutcome {
        let values = Array(answer.dropFirst())
        switch answer.first?.string {
        case "none" where values.isEmpty:
            return .notDue(next: nil)
        case "none":
            guard values.count == 2, let due = Self.time(values[0], saidAt: values[1], heardAt: now) else { break }
            return .notDue(next: due)
        case "aside":
            guard let id = values.first?.string.flatMap({ keys(of: pool).replica(ofURL: $0) }) else { break }
            return .setAside(id, failure)
        case "leased":
            guard values.count == 7,
                let id = values[0].string.flatMap({ $0 == claimed?.artifact.description ? claimed : keys(of: pool).replica(ofURL: $0) }),
                let token = values[1].integer, let attempt = values[2].integer,
                let expires = Self.time(values[3], saidAt: values[4], heardAt: now), let unfinished = values[5].integer,
                let queuedAt = Self.time(values[6], saidAt: values[4], heardAt: now)
            else { break }
            return .leased(
                CopyLease(
                    id: id, token: token, attempt: Int(attempt), queuedAt: queuedAt, expires: expires,
                    lane: unfinished > 0 ? .unfinished : nil))
        default:
            break
        }
        throw .unexpected("lease")
    }

    /// Lanes as script arguments: the number, then the names.
    private static func words(_ lanes: Set<CopyLane>) -> [RedisWord] {
        [.integer(Int64(lanes.count))] + lanes.map { .text($0.description) }
    }

    /// The number of jobs in these pools; 0 for a server that cannot be asked, so that it does not stop the others.
    func queued(in pools: [PoolKeys]) async -> Int {
        await redis.answers(to: pools.map { (command: RedisCommand("XLEN", key: $0.jobs), isTracked: false) })
            .reduce(0) { $0 + Int($1.integer ?? 0) }
    }

    /// All at the same time, so that they are sent together.
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

    // MARK: Times

    /// Limited to what a script can add to its time without loss.
    static func milliseconds(_ duration: Duration) -> RedisWord {
        .integer(min(max(duration.wholeMilliseconds, -(1 << 51)), 1 << 51))
    }

    /// Scores may be larger than any time.
    static func milliseconds(_ value: RedisValue) -> Int64? {
        guard let text = value.string else { return nil }
        if let exact = Int64(text) { return exact }
        guard let number = Double(text), !number.isNaN else { return nil }
        return Int64(min(max(number, -0x1p62), 0x1p62))
    }

    /// Converts a time by the server's clock to this process's clock.
    ///
    /// - Parameter saidAt: The server's time when it answered.
    /// - Parameter heardAt: This process's time when it asked: so a due time or an expiry is never taken to be later than it is.
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

extension CopyFailure {
    /// Whether an operator should look at it: neither the origin nor the configuration ruled the copy out.
    fileprivate var isDeadLetter: Bool {
        switch reason {
        case .transfer, .storage, .unfinished: true
        case .origin, .refused, .redirect, .content, .tooLarge, .noRoom: false
        }
    }
}
