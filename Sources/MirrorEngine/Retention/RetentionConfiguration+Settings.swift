package import MirrorSettings

extension RetentionConfiguration {
    /// - Parameter hasDirectory: Whether the pool is on a file system of this machine.
    package init(_ reader: SettingsReader, hasDirectory: Bool) {
        self.init()
        reader.value(
            "timeToLive", &timeToLive, .duration(in: .seconds(1)...days(3_650)), doc: "How long a replica is kept after its last use.")
        var bytes: Int64?
        reader.value(
            "maxBytes", &bytes, .size(in: 1...(1 << 60)), none: "none",
            defaultNote: hasDirectory
                ? "\(Self.shareOfDisk)% of the file system, shared by the pools on it that have no `maxBytes`" : nil,
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
