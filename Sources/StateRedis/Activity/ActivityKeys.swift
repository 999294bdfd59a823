import MirrorState

/// The names of the keys of what is learnt about lives.
///
/// Records are in parts by the first bits of the artifact's hash, each with a hash tag of its own, so that a cluster spreads them. All that has few
/// changes is together under one tag. No pool can have one of these tags: they contain a colon.
struct ActivityKeys: Sendable {
    /// The version of what is stored under the names; see ``PoolKeys``.
    private static let schema = 1
    /// Parts of all records: a script that makes room looks at all records of one, while the server does nothing else.
    static let count = 1_024
    /// Bits of a key that are not the number of its part.
    private static let shift = UInt64(54)

    private let base: String
    private let learned: String
    /// The maximum number of records in a part.
    let limit: Int

    /// - Parameter history: The maximum number of records.
    init(prefix: String, history: Int) {
        base = "\(prefix):activity:\(Self.schema):"
        learned = "\(base){learned:all}:"
        limit = max(1, history / Self.count)
    }

    static func part(of key: ActivityKey) -> Int { Int(key.high >> shift) }

    /// The part with the first key behind this one; ``count`` if there is none.
    static func part(behind key: ActivityKey) -> Int { part(of: key) + (key == last(of: part(of: key)) ? 1 : 0) }

    static func last(of part: Int) -> ActivityKey { ActivityKey(high: UInt64(part) << shift | (1 << shift - 1), low: .max) }

    /// - Parameter part: 0..<``count``.
    func records(_ part: Int) -> String { "\(base){activity:\(part)}:records" }

    var sums: String { learned + "sums" }
    var classes: String { learned + "classes" }
    var lease: String { learned + "lease" }
    func document(_ name: ActivityDocument) -> String { "\(learned)document:\(name.rawValue)" }
    /// The channel on which changes of documents are published.
    var changes: String { learned + "changes" }
}
