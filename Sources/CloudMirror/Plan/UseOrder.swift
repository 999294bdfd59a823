/// Puts uses into the order of their times, as far as they are near each other: a server may write a line when an answer ends, with the time at which
/// it began.
struct UseOrder {
    struct Use {
        let time: Int64
        /// The artifact's and the pool's number in the replay.
        let artifact: UInt32
        let pool: UInt16
    }

    /// How many uses are held back. One that comes after so many later ones is too late.
    static let capacity = 1 << 13

    private var ring = [Use](repeating: Use(time: 0, artifact: 0, pool: 0), count: Self.capacity)
    private var start = 0
    private var count = 0

    var isFull: Bool { count == Self.capacity }

    /// Adds a use behind those of the same time. Call it while there is room.
    mutating func add(_ use: Use) {
        var place = count
        while place > 0, ring[index(place - 1)].time > use.time {
            ring[index(place)] = ring[index(place - 1)]
            place -= 1
        }
        ring[index(place)] = use
        count += 1
    }

    /// - Returns: The earliest of those that are held back; `nil` if there are none.
    mutating func takeFirst() -> Use? {
        guard count > 0 else { return nil }
        defer {
            start = index(1)
            count -= 1
        }
        return ring[start]
    }

    private func index(_ place: Int) -> Int { (start + place) & (Self.capacity - 1) }
}
