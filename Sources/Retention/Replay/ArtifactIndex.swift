/// Finds artifacts by the hash of their names.
struct ArtifactIndex: ~Copyable {
    private(set) var artifacts = Slab<ReplayArtifact>()
    /// By the lower bits of the hash, and then the next that is free: one more than the artifact's number, 0 where there is none.
    private var slots = [UInt32](repeating: 0, count: 1_024)

    func find(_ hash: UInt64) -> Int? {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != 0 {
            let number = Int(slots[slot]) - 1
            if artifacts[number].hash == hash { return number }
            slot = (slot + 1) & mask
        }
        return nil
    }

    /// - Parameter hash: One that is not there yet.
    mutating func insert(_ hash: UInt64, bytes: Int64, artifactClass: UInt16) -> Int {
        if (artifacts.count + 1) * 4 > slots.count * 3 { grow() }
        artifacts.append(ReplayArtifact(hash: hash, bytes: bytes, artifactClass: artifactClass))
        place(artifacts.count - 1, hash)
        return artifacts.count - 1
    }

    subscript(_ number: Int) -> ReplayArtifact {
        get { artifacts[number] }
        set { artifacts[number] = newValue }
    }

    var count: Int { artifacts.count }

    private mutating func place(_ number: Int, _ hash: UInt64) {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != 0 { slot = (slot + 1) & mask }
        slots[slot] = UInt32(number + 1)
    }

    private mutating func grow() {
        let count = slots.count * 2
        // Freed before the larger one is made.
        slots = []
        slots = [UInt32](repeating: 0, count: count)
        for number in 0..<artifacts.count { place(number, artifacts[number].hash) }
    }
}
