import MirrorCore

/// Counts what happens to replicas, in a fixed number of places: those that share a place are counted together.
struct ReplicaCounts {
    private static let places = 256

    private var counts = [Int](repeating: 0, count: ReplicaCounts.places)

    static func place(of id: ReplicaID) -> Int { Int(UInt(bitPattern: id.hashValue) % UInt(places)) }

    subscript(id: ReplicaID) -> Int { counts[Self.place(of: id)] }

    mutating func count(_ id: ReplicaID) { counts[Self.place(of: id)] += 1 }

    mutating func countAll() {
        for place in counts.indices { counts[place] += 1 }
    }
}
