package import Logging
package import MirrorCore
import Synchronization

/// Answers requests for pages: what is kept for a short life, and then confirmed by the origin.
///
/// - A page that is fresh is given out from the store.
/// - Otherwise the origin is asked once for all who want the page, with the validators of the stored page.
/// - While the origin is down, or is slow to confirm, the stored page is given out, and marked.
/// - That there is no such page is passed on, and remembered briefly; the stored page goes.
package final class PageService: Sendable {
    private let fetcher: PageFetcher
    private let store: PageStore
    private let configuration: PageConfiguration
    private let clock: any MirrorClock
    private let rewritten = RewrittenPages()
    private let metrics: PageMetrics
    /// One that nobody waits for any more goes on: others want the page as well.
    private let flights = SingleFlight<Flight, PageOutcome>(goesOnAlone: true)
    private let memory = Mutex(Memory())

    /// A request to the origin, which others can join until a purge.
    private struct Flight: Hashable {
        let key: PageKey
        /// Of the store, from before.
        let moment: Int
    }

    /// By the names of the pages' files: URLs may be long.
    private struct Memory {
        /// What origins said that have no such page.
        var absences = RecentEntries<String, (word: OriginWord, until: ContinuousClock.Instant)>(capacity: 4_096)
        /// Until when origins are not asked to confirm anything: by origin, or by page.
        var down = RecentEntries<String, ContinuousClock.Instant>(capacity: 4_096)
        /// Pages that were too large, which would be fetched in vain each time.
        var tooLarge = RecentEntries<String, ContinuousClock.Instant>(capacity: 4_096)
        /// For everybody.
        var fetches = Fetches()
        /// For one client each.
        var privateFetches = Fetches()
    }

    /// Fetches that are under way.
    private struct Fetches {
        private var all = 0
        private var ofOrigins: [String: Int] = [:]

        /// Whether there may be one more from an origin: one that is slow leaves half of them to the others.
        func hasRoom(at origin: String, limit: Int) -> Bool { all < limit && ofOrigins[origin, default: 0] < (limit + 1) / 2 }

        mutating func begin(at origin: String) {
            all += 1
            ofOrigins[origin, default: 0] += 1
        }

        mutating func end(at origin: String) {
            all -= 1
            ofOrigins[origin] = ofOrigins[origin].flatMap { $0 > 1 ? $0 - 1 : nil }
        }
    }

    package init(
        upstream: UpstreamClient, store: PageStore, configuration: PageConfiguration = PageConfiguration(), clock: any MirrorClock,
        metrics: PageMetrics, logger: Logger
    ) {
        fetcher = PageFetcher(upstream, store, configuration, clock, logger)
        self.store = store
        self.configuration = configuration
        self.clock = clock
        self.metrics = metrics
    }

    /// - Throws: ``PageError``; `CancellationError`; ``ClientHasLeft``.
    package func page(_ request: PageRequest) async throws -> PageAnswer {
        do {
            let answer = try await request.isPrivate ? privateAnswer(request) : answer(request)
            metrics.count(answer.freshness)
            return answer
        } catch let error as PageError {
            metrics.count(error.code)
            throw error
        }
    }

    /// Forgets the pages of a URL; what is being fetched now is for those who wait for it, and is not kept. Blocks.
    ///
    /// - Returns: How many there were.
    @discardableResult
    package func purge(_ url: ArtifactURL) -> Int {
        let count = store.purge(url)
        memory.withLock { memory in
            memory.absences = RecentEntries(capacity: 4_096)
            memory.tooLarge = RecentEntries(capacity: 4_096)
        }
        return count
    }

    /// Lets another process have the pages. To be called when no origin can be asked any more.
    package func close() { store.close() }

    /// Measures the store.
    package func recordUsage() { metrics.record(store.usage) }

    // MARK: For everybody

    private func answer(_ request: PageRequest) async throws -> PageAnswer {
        for _ in 0..<2 {
            // A page that was removed to make room, was purged, or cannot be read is fetched again.
            do { return try await attempt(request) } catch is LostPage {}
        }
        throw Self.unreadable
    }

    /// - Throws: ``LostPage``, and what ``page(_:)`` throws.
    private func attempt(_ request: PageRequest) async throws -> PageAnswer {
        let key = request.key
        let flight = Flight(key: key, moment: store.moment(of: key.url))
        if !request.wantsRevalidation, let word = absence(key) { return PageAnswer(word, .fresh) }
        guard let found = try await inTime(request, { await self.store.find(key) }) else { throw Self.timedOut(request) }
        if let stored = found, isFresh(stored, request) {
            return try await answer(request, key, stored, .fresh)
        }
        let older = found.flatMap { isUsable($0) ? $0 : nil }
        if let older, isDown(key) { return try await answer(request, key, older, .stale) }
        if let error = obstacle(flight, request, isThere: found != nil) {
            guard let older else { throw error }
            return try await answer(request, key, older, .stale)
        }
        let outcome: PageOutcome?
        do {
            let limit = clock.instant.duration(to: request.deadline)
            outcome = try await leaving(
                after: older == nil ? limit : min(limit, configuration.patience), by: clock, for: request.client
            ) {
                try await self.flights.run(flight) { try await self.ask(request, flight, confirming: found) }
            }
        } catch let error as ClientHasLeft {
            // In case it is still there.
            guard let older else { throw error }
            return try await answer(request, key, older, .stale)
        } catch let error as PageError where error.code != .refused {
            return try await last(request, key, older, error)
        }
        switch outcome {
        case .kept(let page, let isNew): return try await answer(request, key, page, isNew ? .fetched : .revalidated)
        case .loose(let page): return try await answer(request, page.record, page.writer.content(page.record.length), .fetched)
        case .other(let word):
            guard word.isTransient, let older else { return PageAnswer(word, .fetched) }
            return try await answer(request, key, older, .stale)
        case .down(let error): return try await last(request, key, older, error)
        case nil: return try await last(request, key, older, Self.timedOut(request))
        }
    }

    /// What was known last of a page whose origin does not answer: the page, or that there was none. Clients try several names, and take only the
    /// word that there is nothing under one for a reason to try the next.
    private func last(
        _ request: PageRequest, _ key: PageKey, _ older: StoredPage?, _ error: PageError
    ) async throws -> PageAnswer {
        if let older { return try await answer(request, key, older, .stale) }
        guard let word = memory.withLock({ $0.absences[key.fileName]?.word }) else { throw error }
        return PageAnswer(word, .stale)
    }

    /// Asks the origin, and remembers what it says.
    private func ask(_ request: PageRequest, _ flight: Flight, confirming stored: StoredPage?) async throws -> PageOutcome {
        let key = flight.key
        let origin = Self.origin(key)
        memory.withLock { $0.fetches.begin(at: origin) }
        defer { memory.withLock { $0.fetches.end(at: origin) } }
        let outcome: PageOutcome
        do {
            outcome = try await fetcher.fetch(request, key, confirming: stored, since: flight.moment)
        } catch let error as PageError where error.code == .tooLarge {
            let until = clock.instant + max(request.rule.life, configuration.retryAfter)
            memory.withLock { memory in
                if store.moment(of: key.url) == flight.moment { memory.tooLarge.insert(until, for: key.fileName) }
            }
            throw error
        }
        switch outcome {
        case .kept, .loose:
            memory.withLock { memory in
                for name in Self.downNames(key) { _ = memory.down.remove(name) }
                _ = memory.absences.remove(key.fileName)
            }
        case .other(let word) where word.isAbsence:
            // After a purge, others may know better.
            guard store.moment(of: key.url) == flight.moment else { break }
            store.remove(key)
            guard word.size <= OriginWord.maxRemembered else { break }
            let until = clock.instant + configuration.negativeLife
            memory.withLock { memory in
                if store.moment(of: key.url) == flight.moment { memory.absences.insert((word, until), for: key.fileName) }
            }
        case .other(let word):
            if word.isTransient { noteDown("\(key.fileName)") }
        case .down(let error):
            noteDown(error.code == .unusable ? key.fileName : Self.origin(key))
        }
        return outcome
    }

    /// Why the origin is not asked.
    private func obstacle(_ flight: Flight, _ request: PageRequest, isThere: Bool) -> PageError? {
        let (key, now) = (flight.key, clock.instant)
        if memory.withLock({ memory in memory.tooLarge[key.fileName].map { $0 > now } ?? false }) {
            return PageError(code: .tooLarge, message: "\(request.url.redacted) is too large for a page")
        }
        // Who joins others costs nothing.
        guard !flights.isRunning(flight) else { return nil }
        let limit = configuration.maxFetches
        guard flights.count < limit, memory.withLock({ $0.fetches.hasRoom(at: Self.origin(key), limit: limit) }) else {
            return Self.tooMany
        }
        guard !isThere, !request.pay() else { return nil }
        return PageError(code: .overBudget, message: "your network has used up its budget for requests to origins")
    }

    private static let tooMany = PageError(code: .unavailable, message: "too many pages are being fetched")

    private func inTime<Value: Sendable>(_ request: PageRequest, _ work: @escaping @Sendable () async throws -> Value) async throws
        -> Value?
    {
        try await leaving(after: clock.instant.duration(to: request.deadline), by: clock, work)
    }

    private static func timedOut(_ request: PageRequest) -> PageError {
        PageError(code: .timedOut, message: "\(request.url.redacted) did not arrive in time")
    }

    // MARK: For one client

    private func privateAnswer(_ request: PageRequest) async throws -> PageAnswer {
        let origin = Self.origin(request.key)
        let mayFetch = memory.withLock { memory in
            guard memory.privateFetches.hasRoom(at: origin, limit: configuration.maxFetches) else { return false }
            memory.privateFetches.begin(at: origin)
            return true
        }
        guard mayFetch else { throw Self.tooMany }
        defer { memory.withLock { $0.privateFetches.end(at: origin) } }
        let outcome = try await leaving(after: clock.instant.duration(to: request.deadline), by: clock, for: request.client) {
            try await self.fetcher.fetch(request, request.key, confirming: nil, since: nil)
        }
        switch outcome {
        case .kept(let page, _): return try await answer(request, request.key, page, .fetched)
        case .loose(let page): return try await answer(request, page.record, page.writer.content(page.record.length), .fetched)
        case .other(let word): return PageAnswer(word, .fetched)
        case .down(let error): throw error
        case nil: throw Self.timedOut(request)
        }
    }

    // MARK: Ages

    /// For how long a page counts as confirmed now. Without it, clients would decide how often the origin is asked, at no cost to them.
    private static let confirmedNow = Duration.seconds(2)

    private func isFresh(_ page: StoredPage, _ request: PageRequest) -> Bool {
        var life = request.rule.life
        if let seconds = page.record.maxAge { life = min(life, .seconds(min(seconds, 1 << 40))) }
        if request.wantsRevalidation { life = min(life, Self.confirmedNow) }
        let age = age(page)
        // A clock that was set back makes a page look newer than now.
        return age >= .zero && age < life
    }

    private func isUsable(_ page: StoredPage) -> Bool { age(page) < configuration.staleLimit }

    /// Since the origin confirmed it.
    private func age(_ page: StoredPage) -> Duration {
        Timestamp(milliseconds: page.validated.load(ordering: .relaxed)).duration(to: clock.now)
    }

    private func absence(_ key: PageKey) -> OriginWord? {
        memory.withLock { memory in memory.absences[key.fileName].flatMap { $0.until > clock.instant ? $0.word : nil } }
    }

    private func isDown(_ key: PageKey) -> Bool {
        let now = clock.instant
        return memory.withLock { memory in Self.downNames(key).contains { memory.down[$0].map { $0 > now } ?? false } }
    }

    private func noteDown(_ name: String) {
        let until = clock.instant + configuration.retryAfter
        memory.withLock { $0.down.insert(until, for: name) }
    }

    private static func origin(_ key: PageKey) -> String { "\(key.url.scheme.rawValue)://\(key.url.authority)" }
    private static func downNames(_ key: PageKey) -> [String] { [origin(key), key.fileName] }

    // MARK: Answers

    private func answer(_ request: PageRequest, _ key: PageKey, _ page: StoredPage, _ freshness: PageAnswer.Freshness) async throws
        -> PageAnswer
    {
        var page = page
        for _ in 0..<2 {
            let head = PageHead(page.record, request, age: freshness == .stale ? age(page) : nil)
            if head.isUnchanged { return PageAnswer(status: 304, fields: head.fields, body: .empty, freshness: freshness) }
            do {
                let current = page
                guard let body = try await inTime(request, { try await self.body(of: current, key, head) }) else { throw Self.unreadable }
                return PageAnswer(status: 200, fields: head.fields, body: body, freshness: freshness)
            } catch let error as CancellationError {
                throw error
            } catch let error as PageError {
                throw error
            } catch {
                // It was replaced since it was found: by a newer one, or by nothing.
                guard let found = try await inTime(request, { await self.store.find(key) }) else { throw Self.unreadable }
                guard let newer = found else { break }
                page = newer
            }
        }
        throw LostPage()
    }

    private static let unreadable = PageError(code: .unavailable, message: "the page cannot be read")

    private func body(of page: StoredPage, _ key: PageKey, _ head: PageHead) async throws -> PageBody {
        guard let tag = head.rewrittenTag, let rewriter = head.rewriter else { return PageBody(try await store.body(of: page, key)) }
        if let known = rewritten.page(tag) { return PageBody(.rewritten(known)) }
        let content = try await store.body(of: page, key)
        guard case .file(let reader) = content else { return PageBody(content, rewriter) }
        if rewritten.wasRead(tag),
            let page = try await rewritten.keep(tag, of: reader.length, { try await reader.rewritten(by: rewriter) })
        {
            return PageBody(.rewritten(page))
        }
        return PageBody(content, rewriter) { [rewritten] in rewritten.noteRead(tag) }
    }

    private func answer(
        _ request: PageRequest, _ record: PageRecord, _ content: PageContent, _ freshness: PageAnswer.Freshness
    ) async throws -> PageAnswer {
        let head = PageHead(record, request, age: nil)
        if head.isUnchanged { return PageAnswer(status: 304, fields: head.fields, body: .empty, freshness: freshness) }
        return PageAnswer(status: 200, fields: head.fields, body: PageBody(content, head.rewriter), freshness: freshness)
    }
}

/// A page that was in the store a moment ago.
private struct LostPage: Error {}
