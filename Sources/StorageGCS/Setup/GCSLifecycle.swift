import MirrorCore
import StorageCloud

/// The lifecycle rules of a bucket: whatever there are, and those of ours, which have no names and are told by what they are for.
struct GCSLifecycle: Sendable, Equatable {
    struct Rule: Sendable, Equatable {
        /// `Delete`, `AbortIncompleteMultipartUpload`, …
        var action: String
        /// Days after an object was stored, or an upload began.
        var age: Int64?
        /// Names that it is for begin like one of these; empty for all.
        var prefixes: [String]
        /// Whether it asks for more than age and name.
        var isNarrowed: Bool
        /// Whether it is for objects that were replaced or deleted already.
        var isForNoncurrent: Bool
        /// As the service wrote it, so that whatever else it says stays as it is.
        var json: JSONValue
    }

    var rules: [Rule]

    init(rules: [Rule] = []) {
        self.rules = rules
    }

    /// - Parameter json: The `lifecycle` of a bucket; `nil` for none.
    init(json: JSONValue?) {
        if case .array(let rules) = json?["rule"] { self.init(rules: rules.map { Rule($0) }) } else { self.init() }
    }

    var json: JSONValue { .object(["rule": .array(rules.map(\.json))]) }

    // MARK: Ours

    /// With all rules of ours in place; all others stay.
    func adding(_ target: GCSPoolTarget) -> GCSLifecycle {
        var lifecycle = self
        if !hasExpiry(of: target) { lifecycle.put(Self.expiry(target)) }
        for rule in [Self.abort(target), Self.uploads(target)] where !has(rule) { lifecycle.put(rule) }
        return lifecycle
    }

    private mutating func put(_ rule: Rule) {
        if let place = rules.firstIndex(where: { $0.isSame(as: rule) }) { rules[place] = rule } else { rules.append(rule) }
    }

    private static func expiry(_ target: GCSPoolTarget) -> Rule { .making("Delete", Int64(target.newExpiryDays), target.keyPrefix) }
    private static func abort(_ target: GCSPoolTarget) -> Rule { .making("AbortIncompleteMultipartUpload", 1, target.keyPrefix) }
    private static func uploads(_ target: GCSPoolTarget) -> Rule { .making("Delete", 1, target.uploadPrefix) }

    /// A rule that ends objects may say more days than it has to.
    func hasExpiry(of target: GCSPoolTarget) -> Bool {
        let wanted = Self.expiry(target)
        return rules.contains { $0.isSame(as: wanted) && ($0.age ?? 0) >= Int64(target.leastExpiryDays) }
    }

    /// Whether the remains of uploads are removed.
    func hasCleanup(of target: GCSPoolTarget) -> Bool { has(Self.abort(target)) && has(Self.uploads(target)) }

    private func has(_ wanted: Rule) -> Bool { rules.contains { $0.isSame(as: wanted) && $0.age == wanted.age } }

    /// Rules that end objects of the pool while the mirror still counts on them.
    func premature(for target: GCSPoolTarget) -> [Rule] {
        rules.filter { rule in
            guard rule.action == "Delete", !rule.isForNoncurrent, rule.prefixes != [target.uploadPrefix] else { return false }
            // Without an age it is by a date, or by something that the mirror does not set.
            guard (rule.age ?? 0) < Int64(target.leastExpiryDays) else { return false }
            return rule.prefixes.isEmpty || rule.prefixes.contains { target.keyPrefix.hasPrefix($0) || $0.hasPrefix(target.keyPrefix) }
        }
    }
}

extension GCSLifecycle.Rule {
    fileprivate init(_ json: JSONValue) {
        let condition = json["condition"]
        var names: Set<String> = []
        if case .object(let members) = condition { names = Set(members.keys) }
        action = json["action"]?["type"]?.string ?? ""
        if case .integer(let days) = condition?["age"] { age = days } else { age = nil }
        if case .array(let list) = condition?["matchesPrefix"] { prefixes = list.compactMap(\.string) } else { prefixes = [] }
        isNarrowed = !names.isSubset(of: ["age", "matchesPrefix"])
        isForNoncurrent =
            condition?["isLive"] == .bool(false)
            || !names.isDisjoint(with: ["numNewerVersions", "daysSinceNoncurrentTime", "noncurrentTimeBefore"])
        self.json = json
    }

    fileprivate static func making(_ action: String, _ days: Int64, _ prefix: String) -> GCSLifecycle.Rule {
        var condition: [String: JSONValue] = ["age": .integer(days)]
        if !prefix.isEmpty { condition["matchesPrefix"] = .array([.string(prefix)]) }
        return GCSLifecycle.Rule(.object(["action": .object(["type": .string(action)]), "condition": .object(condition)]))
    }

    /// Whether both do the same to the same objects, after however many days.
    fileprivate func isSame(as other: GCSLifecycle.Rule) -> Bool {
        action == other.action && prefixes == other.prefixes && !isNarrowed && age != nil
    }

    /// What is wrong with a rule that ends objects too soon.
    func premature(for target: GCSPoolTarget) -> String {
        let when = age.map { "\($0) days after they were stored" } ?? "by another condition than their age"
        return
            "a rule deletes \(prefixes.isEmpty ? "objects" : "objects under \(prefixes.joined(separator: ", "))") \(when), while the mirror keeps "
            + "them longer: make it \(target.leastExpiryDays) days or more, or shorten retention.timeToLive"
    }
}
