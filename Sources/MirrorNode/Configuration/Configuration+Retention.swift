import MirrorSettings

extension Configuration {
    /// How long a replica is worth keeping.
    package struct Retention: Sendable, Equatable {
        /// Counted from the last use.
        package var timeToLive: Duration = .seconds(24 * 3_600)
        package var maxBytes = MaxBytes.none
        /// What stays free on the file system of a local pool.
        package var minFreeBytes: Int64 = 64 << 20
        /// Between the mark and the deletion.
        package var grace: Duration = .seconds(60)

        /// What a pool may hold.
        package enum MaxBytes: Sendable, Equatable {
            case none
            case bytes(Int64)
            /// A share of the file system: of a local pool for which nothing else is said. See ``Configuration/maxBytes(of:)``.
            case shareOfDisk
        }
    }
}

extension Configuration.Retention {
    /// - Parameter hasDirectory: Whether the pool is on a file system of this machine.
    mutating func read(_ reader: SettingsReader, hasDirectory: Bool) {
        reader.value(
            "timeToLive", &timeToLive, .duration(in: .seconds(1)...days(3_650)), doc: "How long a replica is kept after its last use.")
        var bytes: Int64?
        reader.value(
            "maxBytes", &bytes, .size(in: 1...(1 << 60)), none: "none",
            defaultNote: hasDirectory
                ? "\(Configuration.shareOfDisk)% of the file system, shared by the pools on it that have no `maxBytes`" : nil,
            example: "500GiB",
            doc:
                "The most that the pool may hold, including copies in progress. Before more is copied, the least recently used "
                + "replicas are deleted."
        )
        maxBytes = bytes.map { .bytes($0) } ?? (hasDirectory && !reader.has("maxBytes") ? .shareOfDisk : .none)
        if hasDirectory {
            reader.value(
                "minFreeBytes", &minFreeBytes, .size(in: 0...(1 << 60)),
                doc:
                    "Space that must stay free on the pool's file system, whoever fills it. Before a copy would take that space, the "
                    + "least recently used replicas are deleted; if that is not enough, the copy is not made."
            )
        }
        reader.value(
            "grace", &grace, .duration(in: .zero...days(7)),
            doc:
                "How long a replica that is marked for deletion is kept, so that a client that was just redirected to it still gets "
                + "its artifact.")
    }
}
