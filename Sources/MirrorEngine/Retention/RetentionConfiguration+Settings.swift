package import MirrorSettings
import Retention

extension RetentionConfiguration {
    /// - Parameters:
    ///   - hasDirectory: Whether the pool is on a file system of this machine.
    ///   - policy: Of all pools that have none of their own; `nil` if none was chosen.
    ///   - standard: That of pools of this kind, where none was chosen. A pool that says how long replicas are kept means just that.
    package init(_ reader: SettingsReader, hasDirectory: Bool, policy: Policy?, standard: Policy) {
        self.init(policy: policy ?? (reader.has("timeToLive") ? .ttl : standard))
        reader.value(
            "policy", &self.policy, .choice(),
            defaultNote: hasDirectory
                ? "retention.policy, else ttl" : "retention.policy, else cost in the cloud's own service without timeToLive, else ttl",
            example: "cost",
            doc:
                "What decides how long a replica is kept: `ttl` keeps it for `timeToLive` after its last use, `cost` for as long as it is expected to "
                + "save more than its storage costs.")
        reader.value(
            "timeToLive", &timeToLive, .duration(in: .seconds(1)...days(3_650)),
            doc: "How long a replica is kept after its last use, with the policy `ttl`.")
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
        reader.section("price", doc: "Prices of this pool, if the price table does not have them or has different ones.") { section in
            let dollars = SettingKind.dollars
            section.value("egress", &price.egress, dollars, example: "0.02", doc: "Dollars per GiB read from the origin.")
            section.value("storage", &price.storage, dollars, example: "0.023", doc: "Dollars per GiB and month kept in the pool.")
            section.value("put", &price.put, dollars, example: "0.000005", doc: "Dollars per request that writes to the pool.")
            section.value("get", &price.get, dollars, example: "0.0000004", doc: "Dollars per request that reads from the pool.")
        }
        reader.value(
            "grace", &grace, .duration(in: .zero...days(7)),
            doc:
                "How long a replica that is marked for deletion is kept, so that a client that was just redirected to it still gets "
                + "its artifact.")
    }
}

extension SettingKind where Value == Double {
    /// A price.
    fileprivate static var dollars: Self {
        SettingKind(name: "dollars", problem: "is not a price in dollars; write a number from 0 to 1000000, such as 0.023") { text in
            let isNumber = !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
            return isNumber ? Double(text).flatMap { $0 < 1e6 ? $0 : nil } : nil
        }
    }
}
