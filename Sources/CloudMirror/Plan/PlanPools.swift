import Retention

/// The pools of a plan, in the order in which the log first names their regions.
struct PlanPools {
    static let maxPools = 1_000
    /// Bytes of a region's name.
    static let maxName = 256
    /// All clouds together have fewer. Each takes its part of every table, for each of 20,000 contexts.
    static let maxPrices = 200

    private(set) var names: [String] = []
    /// The peak load of each pool.
    private(set) var loads: [PeakLoad] = []
    private var hashes: [UInt64] = []
    private var prices: Set<PoolPrices> = []

    /// - Parameter hash: Of a region's name.
    func number(of hash: UInt64) -> Int? { hashes.firstIndex(of: hash) }

    mutating func add(_ name: String, hash: UInt64, _ prices: PoolPrices) throws(CommandFailure) {
        guard names.count < Self.maxPools else {
            throw CommandFailure("the log names more than \(Self.maxPools) regions; --region puts all clients into one")
        }
        self.prices.insert(prices)
        guard self.prices.count <= Self.maxPrices else {
            throw CommandFailure("the log's regions have more than \(Self.maxPrices) different prices; --region puts all clients into one")
        }
        names.append(name)
        hashes.append(hash)
        loads.append(PeakLoad())
    }

    mutating func add(_ bytes: Int64, to pool: Int, at time: Int64) { loads[pool].add(bytes, at: time) }
}

/// How much is read in the busiest minute.
struct PeakLoad {
    private static let interval: Int64 = 60_000

    private var minute = Int64.min
    private var bytes: Int64 = 0
    private var uses: Int64 = 0
    /// In the busiest minute.
    private var mostBytes: Int64 = 0
    private var mostUses: Int64 = 0

    /// The average over the busiest minute.
    var bytesPerSecond: Double { Double(mostBytes) / 60 }
    var usesPerSecond: Double { Double(mostUses) / 60 }

    mutating func add(_ size: Int64, at time: Int64) {
        if time / Self.interval != minute {
            minute = time / Self.interval
            bytes = 0
            uses = 0
        }
        bytes = bytes.addingReportingOverflow(size).overflow ? .max : bytes + size
        uses += 1
        mostBytes = max(mostBytes, bytes)
        mostUses = max(mostUses, uses)
    }
}
