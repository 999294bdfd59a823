import Retention

/// Adds up the uses of a plan.
struct PlanTally: ~Copyable {
    private let options: PlanOptions
    private let classRule: ClassRule
    private let hash = NameHash()
    private var replay: Replay
    private var classes = ClassList()
    private var pools = PlanPools()
    private var candidates: [Candidate] = []
    private var total = PeakLoad()
    private var order = UseOrder()
    /// The times of the first and the last use that were replayed.
    private var first: Int64?
    private var last = Int64.min
    private var outOfOrder = 0
    /// Uses of artifacts whose size is not known.
    private var sizeless = 0
    private var pause = PlanResult.Pause()
    private var unnamed: [String] = []

    /// One pool for all clients, in a service that charges nothing for reads.
    private final class Candidate {
        let service: String
        let prices: PoolPrices
        var replay: Replay
        let pool: Int

        init(_ service: String, _ prices: PoolPrices) {
            self.service = service
            self.prices = prices
            replay = Replay(ReplayOptions())
            pool = replay.addPool(prices)
        }
    }

    init(_ options: PlanOptions, classRule: ClassRule) throws {
        self.options = options
        self.classRule = classRule
        var replayOptions = ReplayOptions()
        replayOptions.learns = options.policies.contains(.hazard)
        // A gateway is compared with what `never` reads.
        replayOptions.compares = options.policies.contains { $0 != .hazard } || options.natGateway != nil
        replayOptions.admission = options.admission
        replayOptions.recordsDecisions = options.recordsDecisions && replayOptions.learns
        replay = Replay(replayOptions)
        for service in options.candidates {
            guard var prices = options.prices.candidate(service) else { throw CommandFailure("the price table does not have \(service)") }
            prices.poolEgress = options.natGateway ?? 0
            candidates.append(Candidate(service, prices))
        }
    }

    /// - Parameters:
    ///   - bytes: The artifact's size; raises the size of a known artifact if larger.
    /// - Returns: The artifact's number.
    mutating func register(_ name: LogBytes, bytes: Int64) -> Int {
        let hash = hash.hash(name)
        if let known = replay.artifact(hash) {
            if replay.bytes(of: known) < bytes {
                replay.raiseBytes(known, to: bytes)
                for candidate in candidates { candidate.replay.raiseBytes(known, to: bytes) }
            }
            return known
        }
        let artifactClass = classes.number(of: classRule.artifactClass(of: name))
        // The numbers are the same in all replays, because the artifacts are added in the same order.
        for candidate in candidates { _ = candidate.replay.addArtifact(hash, bytes: bytes, artifactClass: artifactClass) }
        return replay.addArtifact(hash, bytes: bytes, artifactClass: artifactClass)
    }

    /// - Parameter artifact: The artifact's number, if the log knows it.
    mutating func use(_ use: LogUse, artifact: Int?) throws {
        let artifact = artifact ?? register(use.name, bytes: use.bytes)
        let pool = try pool(of: use.region)
        if order.isFull, let earliest = order.takeFirst() { apply(earliest) }
        order.add(UseOrder.Use(time: use.time, artifact: UInt32(artifact), pool: UInt16(pool)))
    }

    private mutating func apply(_ use: UseOrder.Use) {
        if use.time < last { outOfOrder += 1 }
        let time = max(use.time, last)
        if let first, time - last > pause.length { pause = PlanResult.Pause(start: last - first, length: time - last) }
        first = first ?? time
        last = time
        let (artifact, pool) = (Int(use.artifact), Int(use.pool))
        replay.use(artifact, in: pool, at: time)
        for candidate in candidates { candidate.replay.use(artifact, in: candidate.pool, at: time) }
        let bytes = replay.bytes(of: artifact)
        if bytes == 0 { sizeless += 1 }
        pools.add(bytes, to: pool, at: time)
        total.add(bytes, at: time)
    }

    /// The number of a region's pool, which is added if the region is new.
    private mutating func pool(of region: LogBytes) throws -> Int {
        let hash = hash.hash(region)
        if let known = pools.number(of: hash) { return known }
        guard region.count <= PlanPools.maxName else {
            throw CommandFailure("the log names a region in \(region.count) bytes; --region puts all clients into one")
        }
        let name = region.text
        guard let prices = options.prices.prices(of: name) else {
            throw CommandFailure("there is no price for \(name.isEmpty ? "clients without a region (see --region)" : name)")
        }
        try pools.add(name, hash: hash, prices)
        if options.prices.isUnnamed(name) { unnamed.append(name.isEmpty ? "clients without a region" : name) }
        return replay.addPool(prices)
    }

    /// - Returns: `nil` if there were no uses.
    mutating func end(lines: LineCounts) -> PlanResult? {
        while let use = order.takeFirst() { apply(use) }
        guard replay.requests > 0 else { return nil }
        replay.end()
        var result = PlanResult(
            requests: replay.requests, artifacts: replay.artifacts, span: replay.span, lines: lines, outOfOrder: outOfOrder,
            sizeless: sizeless, pause: pause, unnamed: unnamed + (options.prices.unnamedOrigin.map { ["the origin in \($0)"] } ?? []),
            peak: total, pricesAsOf: options.prices.asOf,
            policies: options.policies.map { ($0, replay.total(of: $0)) })
        for (pool, name) in pools.names.enumerated() {
            result.pools.append(
                PlanResult.Pool(
                    name: name, peak: pools.loads[pool], breakEven: replay.breakEven(in: pool),
                    bestFixed: options.policies.contains { $0 != .hazard } ? replay.bestFixedLife(in: pool) : nil,
                    learnedLife: replay.learnedLife(in: pool),
                    policies: options.policies.map { ($0, replay.ledger(of: $0, in: pool)) }))
        }
        for candidate in candidates {
            candidate.replay.end()
            result.candidates.append(
                .init(name: candidate.service, words: "one pool in \(candidate.service)", ledger: candidate.replay.total(of: .hazard)))
        }
        if let gateway = options.natGateway {
            var never = replay.total(of: .never)
            never.egress += never.originBytes / Double(1 << 30) * gateway
            result.candidates.append(.init(name: "never, through a NAT gateway", words: "no mirror, NAT gateway", ledger: never))
        }
        result.decisions = replay.decisions
        return result
    }
}
