import MirrorCore
import StorageCloud

/// A bucket's lifecycle rules: existing rules, and our own.
struct S3Lifecycle: Sendable, Equatable {
    static let namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

    struct Rule: Sendable, Equatable {
        var id: String
        var isEnabled: Bool
        /// The prefix of the objects that it applies to.
        var prefix: String
        /// Whether it applies only to some of those objects: by tag, by size.
        var isNarrowed: Bool
        /// Days after an object was stored; 0 for a rule with a date.
        var expiryDays: Int?
        /// Days after an upload began.
        var abortDays: Int?
        /// As the service wrote it, so that all other elements are kept.
        var xml: String
    }

    var rules: [Rule] = []
    /// A setting of the whole configuration that is sent in a header field, and lost unless it is sent back.
    var transitionDefault: String?

    var xml: String {
        "<LifecycleConfiguration xmlns=\"\(Self.namespace)\">\(rules.map(\.xml).joined())</LifecycleConfiguration>"
    }

    // MARK: Ours

    /// Adds both of our rules; all others stay.
    func adding(_ target: S3PoolTarget) -> S3Lifecycle {
        var lifecycle = self
        if !hasExpiry(of: target) {
            lifecycle.put(.expiring(id: target.expiryRuleID, prefix: target.keyPrefix, days: target.newExpiryDays))
        }
        if !hasAbort(of: target) { lifecycle.put(.aborting(id: target.abortRuleID, prefix: target.keyPrefix)) }
        return lifecycle
    }

    private mutating func put(_ rule: Rule) {
        if let place = rules.firstIndex(where: { $0.id == rule.id }) { rules[place] = rule } else { rules.append(rule) }
    }

    /// Our rule may state more days than necessary.
    func hasExpiry(of target: S3PoolTarget) -> Bool {
        rules.contains { rule in
            rule.id == target.expiryRuleID && rule.isEnabled && rule.prefix == target.keyPrefix && !rule.isNarrowed
                && rule.expiryDays.map { $0 >= target.leastExpiryDays } == true
        }
    }

    func hasAbort(of target: S3PoolTarget) -> Bool {
        rules.contains { rule in
            rule.id == target.abortRuleID && rule.isEnabled && rule.prefix == target.keyPrefix && !rule.isNarrowed && rule.abortDays == 1
        }
    }

    /// Rules that delete objects of the pool while the mirror still relies on them.
    func premature(for target: S3PoolTarget) -> [Rule] {
        rules.filter { rule in
            rule.isEnabled && rule.expiryDays.map { $0 < target.leastExpiryDays } == true
                && (target.keyPrefix.hasPrefix(rule.prefix) || rule.prefix.hasPrefix(target.keyPrefix))
        }
    }
}

extension S3Lifecycle {
    /// - Parameter document: `LifecycleConfiguration`.
    init(_ document: XMLTree, transitionDefault: String?) {
        self.init(rules: document.all("Rule").map(Rule.init), transitionDefault: transitionDefault)
    }
}

extension S3Lifecycle.Rule {
    fileprivate init(_ document: XMLTree) {
        let filter = document["Filter"]
        let scope = filter?["And"] ?? filter
        id = document["ID"]?.text ?? ""
        isEnabled = document["Status"]?.text == "Enabled"
        // Old rules have their prefix outside a filter.
        prefix = scope?["Prefix"]?.text ?? document["Prefix"]?.text ?? ""
        isNarrowed = scope?.children.contains { $0.name != "Prefix" } ?? false
        let expiration = document["Expiration"]
        expiryDays = expiration?["Days"].flatMap { Int($0.text) } ?? (expiration?["Date"] == nil ? nil : 0)
        abortDays = document["AbortIncompleteMultipartUpload"]?["DaysAfterInitiation"].flatMap { Int($0.text) }
        xml = document.written
    }

    static func expiring(id: String, prefix: String, days: Int) -> S3Lifecycle.Rule {
        ours(id, prefix, "<Expiration><Days>\(days)</Days></Expiration>", expiryDays: days, abortDays: nil)
    }

    static func aborting(id: String, prefix: String) -> S3Lifecycle.Rule {
        ours(
            id, prefix, "<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload>",
            expiryDays: nil, abortDays: 1)
    }

    private static func ours(_ id: String, _ prefix: String, _ action: String, expiryDays: Int?, abortDays: Int?) -> S3Lifecycle.Rule {
        S3Lifecycle.Rule(
            id: id, isEnabled: true, prefix: prefix, isNarrowed: false, expiryDays: expiryDays, abortDays: abortDays,
            xml:
                "<Rule><ID>\(Markup.escape(id))</ID><Filter><Prefix>\(Markup.escape(prefix))</Prefix></Filter><Status>Enabled</Status>\(action)</Rule>"
        )
    }
}

extension XMLTree {
    /// The element as text, without attributes.
    fileprivate var written: String {
        "<\(name)>\(children.isEmpty ? Markup.escape(text) : children.map(\.written).joined())</\(name)>"
    }
}
