import MirrorCore

/// Copy jobs in the order in which they are leased, in one lane for each origin in a pool.
///
/// The first jobs of all lanes are in a separate list, so the cost of finding the one that is due first depends on the number of lanes that are
/// passed over, and not on the number of jobs.
struct JobLanes {
    struct Place: Comparable {
        let dueAt: Timestamp
        let sequence: Int64
        let id: ReplicaID
        let lane: CopyLane

        init(_ job: CopyJob, of id: ReplicaID) {
            dueAt = job.dueAt
            sequence = job.sequence
            self.id = id
            lane = job.lane(of: id)
        }

        static func < (one: Place, other: Place) -> Bool { (one.dueAt, one.sequence) < (other.dueAt, other.sequence) }
    }

    private struct PoolLanes {
        var lanes: [CopyLane: SortedPlaces] = [:]
        var heads = SortedPlaces()

        mutating func change(_ lane: CopyLane, _ body: (inout SortedPlaces) -> Void) {
            if let head = lanes[lane]?.first { heads.remove(head) }
            body(&lanes[lane, default: SortedPlaces()])
            if let head = lanes[lane]?.first { heads.insert(head) } else { lanes[lane] = nil }
        }
    }

    private var pools: [PoolID: PoolLanes] = [:]
    /// The number of jobs.
    private(set) var count = 0

    mutating func replace(_ old: CopyJob?, with new: CopyJob?, of id: ReplicaID) {
        guard old != new else { return }
        if let old {
            let place = Place(old, of: id)
            pools[id.pool]?.change(place.lane) { $0.remove(place) }
            count -= 1
        }
        if let new {
            let place = Place(new, of: id)
            pools[id.pool, default: PoolLanes()].change(place.lane) { $0.insert(place) }
            count += 1
        }
    }

    /// The number of jobs in a lane.
    func count(of lane: CopyLane, in pool: PoolID) -> Int { pools[pool]?.lanes[lane]?.count ?? 0 }

    func totals(of pool: PoolID) -> [LaneTotals] {
        (pools[pool]?.lanes ?? [:]).map { LaneTotals(lane: $0, jobs: $1.count) }
    }

    /// The job that is due first.
    func first(in ids: Set<PoolID>, passingOver passed: Set<CopyLane>) -> Place? {
        ids.compactMap { pools[$0]?.heads.first { !passed.contains($0.lane) } }.min()
    }
}

/// Places in order.
private struct SortedPlaces {
    private var places: [JobLanes.Place] = []

    var first: JobLanes.Place? { places.first }
    var count: Int { places.count }

    func first(where isWanted: (JobLanes.Place) -> Bool) -> JobLanes.Place? { places.first(where: isWanted) }

    mutating func insert(_ place: JobLanes.Place) {
        places.insert(place, at: index(of: place))
    }

    mutating func remove(_ place: JobLanes.Place) {
        let index = index(of: place)
        if index < places.count, places[index] == place { places.remove(at: index) }
    }

    /// The index of the first place that does not come before `place`.
    private func index(of place: JobLanes.Place) -> Int {
        var range = 0..<places.count
        while let middle = range.isEmpty ? nil : range.lowerBound + range.count / 2 {
            if places[middle] < place { range = middle + 1..<range.upperBound } else { range = range.lowerBound..<middle }
        }
        return range.lowerBound
    }
}
