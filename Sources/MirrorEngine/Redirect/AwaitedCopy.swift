import MirrorCore

/// A copy that is awaited from just before its claim: until then the state says nothing about it, and what is said of the replica may be late news of
/// an earlier copy or of its end.
struct AwaitedCopy: Sendable {
    /// When it began to be awaited.
    let since: Timestamp
    private var isClaimed = false
    /// Whether there was news before that: of this copy, or late news of an earlier one.
    private var hasNews = false

    init(since: Timestamp) {
        self.since = since
    }

    /// The object of the copy, if the news is of it: only what was stored since then cannot be from before the claim.
    func object(in news: Replica?) -> StoredObject? {
        guard case .present(let object) = news?.status, object.storedAt >= since else { return nil }
        return object
    }

    /// The copy was claimed.
    ///
    /// - Returns: Whether the state has to be read: there was news that said nothing by itself.
    mutating func claim() -> Bool {
        isClaimed = true
        return hasNews
    }

    /// There is news that says nothing by itself.
    ///
    /// - Returns: Whether the state has to be read; before the claim, it would say nothing either.
    mutating func noteNews() -> Bool {
        hasNews = true
        return isClaimed
    }
}
