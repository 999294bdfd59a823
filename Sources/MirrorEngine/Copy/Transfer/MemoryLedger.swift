import MirrorState

/// Records which part has how much memory, and decides which is next: rules without I/O (decision 0023).
///
/// - A part takes memory as its bytes arrive: at least ``leastStep`` more, or as much again as it has, up to its size.
/// - The parts of one origin never have more than a share.
/// - A part behind the one that the rest of its copy waits for begins only if the whole of it fits beside the whole of all that have begun: into its
///   origin's share, and into all memory. Otherwise parts would fill memory with their beginnings, and most of their connections would stand still.
/// - The part that the rest of its copy waits for comes first, then the part that has most: it is nearest to giving its memory back. If there is not
///   enough for a part, the parts after it wait, too; but a part whose origin has used up its share is skipped.
/// - Memory of the size of the largest part is reserved for one part at a time: one that the rest of its copy waits for. It gets all that it still
///   needs, so that at least one copy continues when all others have some memory and wait for more.
struct MemoryLedger {
    typealias PartID = UInt64

    /// In bytes; small, so that an origin that sends almost nothing holds almost nothing.
    static let leastStep: Int64 = 64 << 10

    private struct Part {
        let origin: CopyLane
        let size: Int64
        /// Whether the rest of its copy waits for this part.
        let isFront: @Sendable () -> Bool
        var held: Int64 = 0
        /// The total in bytes that it waits for, including `held`; `nil` if it does not wait.
        var wanted: Int64?
        /// Lower for a part that asked earlier.
        var turn: UInt64 = 0
        var hasLoan = false

        var missing: Int64 { (wanted ?? held) - held }
        var hasBegun: Bool { held > 0 }
    }

    /// Bytes of all parts, and of those of each origin.
    private struct Sums {
        private(set) var all: Int64 = 0
        private var byOrigin: [CopyLane: Int64] = [:]

        subscript(origin: CopyLane) -> Int64 { byOrigin[origin, default: 0] }

        mutating func add(_ bytes: Int64, of origin: CopyLane) {
            all += bytes
            let sum = self[origin] + bytes
            byOrigin[origin] = sum == 0 ? nil : sum
        }
    }

    private let capacity: Int64
    private let share: Int64
    private var parts: [PartID: Part] = [:]
    /// What parts hold.
    private var holdings = Sums()
    /// The sizes of the parts that have begun.
    private var begun = Sums()
    /// Bytes that all parts hold.
    var held: Int64 { holdings.all }
    /// Bytes that no part holds.
    var free: Int64 { max(capacity - held, 0) }
    /// Whether there are no parts.
    var isEmpty: Bool { parts.isEmpty }
    private var lastNumber: UInt64 = 0

    /// - Parameter capacity: The total in bytes.
    /// - Parameter share: The maximum for the parts of one origin, in bytes.
    init(capacity: Int64, share: Int64) {
        self.capacity = capacity
        self.share = share
    }

    /// - Parameter size: Bytes; above 0.
    mutating func add(_ origin: CopyLane, size: Int64, isFront: @escaping @Sendable () -> Bool) -> PartID {
        let id = nextNumber()
        parts[id] = Part(origin: origin, size: size, isFront: isFront)
        return id
    }

    func held(by id: PartID) -> Int64 { parts[id]?.held ?? 0 }

    /// Asks for memory for the first `bytes` of a part; ``serve()`` grants it.
    mutating func ask(_ id: PartID, for bytes: Int64) {
        guard var part = parts[id], part.held < bytes else { return }
        part.wanted = min(max(bytes, part.held * 2, part.held + Self.leastStep), max(part.size, bytes))
        part.turn = nextNumber()
        parts[id] = part
    }

    mutating func withdraw(_ id: PartID) { parts[id]?.wanted = nil }

    mutating func remove(_ id: PartID) {
        guard let part = parts.removeValue(forKey: id) else { return }
        holdings.add(-part.held, of: part.origin)
        if part.hasBegun { begun.add(-part.size, of: part.origin) }
    }

    /// Grants the requests that can be granted now.
    ///
    /// - Returns: The parts that got their memory.
    mutating func serve() -> [PartID] {
        let waiting = waitingInOrder()
        guard !waiting.isEmpty else { return [] }
        let open = capacity - (parts.values.lazy.map(\.size).max() ?? 0)
        var served: [PartID] = []
        for id in waiting {
            guard let part = parts[id], !isShareUsedUp(part) else { continue }
            if isNewBehind(part) {
                guard begun[part.origin] + part.size <= share else { continue }
                guard begun.all + part.size <= capacity else { break }
            }
            guard held + part.missing <= open else { break }
            grant(id, part.missing)
            served.append(id)
        }
        if let id = borrower(among: waiting.filter { !served.contains($0) }), let part = parts[id] {
            parts[id]?.hasLoan = true
            grant(id, max(part.size - part.held, part.missing))
            served.append(id)
        }
        return served
    }

    /// Origins whose parts wait for memory that other origins' parts hold. A part that has not begun does not count if its copy continues without it.
    var waitingOrigins: Set<CopyLane> {
        Set(parts.values.lazy.filter { $0.wanted != nil && !isShareUsedUp($0) && !isNewBehind($0) }.map(\.origin))
    }

    /// The number of parts that wait.
    var waitingCount: Int { parts.values.count { $0.wanted != nil } }

    private func waitingInOrder() -> [PartID] {
        parts.filter { $0.value.wanted != nil }
            .map { (id: $0.key, part: $0.value, isFront: $0.value.isFront()) }
            .sorted { ($1.isFront ? 1 : 0, $1.part.held, $0.part.turn) < ($0.isFront ? 1 : 0, $0.part.held, $1.part.turn) }
            .map(\.id)
    }

    private func isShareUsedUp(_ part: Part) -> Bool { holdings[part.origin] + part.missing > share }

    /// Whether the part has not begun, and is behind the one that the rest of its copy waits for.
    private func isNewBehind(_ part: Part) -> Bool { !part.hasBegun && !part.isFront() }

    /// The first waiting part that may use the reserve. A part that is larger than all memory must be the only one that holds any.
    private func borrower(among waiting: [PartID]) -> PartID? {
        guard !parts.values.contains(where: \.hasLoan) else { return nil }
        return waiting.first { id in
            guard let part = parts[id], part.isFront() else { return false }
            return held + max(part.size - part.held, part.missing) <= capacity || held == part.held
        }
    }

    private mutating func grant(_ id: PartID, _ bytes: Int64) {
        guard var part = parts[id] else { return }
        if !part.hasBegun { begun.add(part.size, of: part.origin) }
        part.held += bytes
        part.wanted = nil
        parts[id] = part
        holdings.add(bytes, of: part.origin)
    }

    private mutating func nextNumber() -> UInt64 {
        lastNumber += 1
        return lastNumber
    }
}
