/// Holds what is learnt about how long replicas are worth keeping, for all processes that share the state: when artifacts were used, sums of these
/// uses, and what was computed from them.
///
/// Losing it costs money for a time, and nothing else. It is never called by a request that a client waits for. All errors are ``StateError`` or
/// `CancellationError`; after one, an addition may or may not have been made: drop it, do not repeat it.
///
/// *Behavior* (each line is a test of the conformance suite in module MirrorTesting):
/// - A change of a record is atomic: each of any number of simultaneous changes of one artifact sees the record that the previous one left.
/// - Changes that name one key several times are made in order.
/// - An unknown artifact has `nil`; a change that returns `nil` removes the record.
/// - A record is read exactly as it was written.
/// - There are never more records than the store's history allows; those with the oldest clock are dropped first, and each is returned once, by the
///   call that dropped it. A store may divide its history among parts of the keys; then each part has one record at least.
/// - `activityPage` returns each record exactly once over all pages, in the order of their keys; records that are changed in the meantime may or may
///   not be included.
/// - `removeActivity` removes the records of the given artifacts and nothing else.
/// - Sums add up, whatever the order and the number of the processes that add to them; `addSums` returns the new sums of what it has added to.
/// - There are never more sums than the store was told (``ActivityLimits/sums``); beyond that, new names are dropped, and `addSums` does not return
///   them.
/// - `removeSums` removes the given sums and nothing else.
/// - Two processes that each record half of the uses make the same sums as one that records all.
/// - `addClasses` keeps the names in the order in which they first appeared, up to `ClassList.maxClasses`; every process sees the same list.
/// - A document is replaced as a whole, and only if its version is still the one that the writer read; each new version is larger.
/// - Every stream of `activityChanges()` that was open before a document was replaced gets an element afterwards; unread ones count as one.
/// - The lease belongs to one holder at a time, for as long as it is extended; when it has expired or was given back, another one can have it.
/// - A clock that is set back never makes a lease last longer than its full length from then on.
/// - In a durable store, records, sums, classes and documents are still there after the store was closed and opened again; the lease need not be.
package protocol ActivityStore: Sendable {
    // MARK: Records

    /// The records of artifacts, in the order of the keys.
    func activity(of keys: [ActivityKey]) async throws -> [ActivityRecord?]

    /// Changes records, each atomically.
    ///
    /// - Parameter change: Gets the position in `keys` and the artifact's record. It may be called several times for one position, and only the last
    ///   call counts, so it must only change the record and return what the caller needs.
    func updateActivity<Outcome: Sendable>(
        _ keys: [ActivityKey], _ change: @escaping @Sendable (_ position: Int, _ record: inout ActivityRecord?) -> Outcome
    ) async throws -> ActivityUpdate<Outcome>

    /// All records, in pages of a size that suits the store.
    ///
    /// - Parameter after: `next` of the previous page; `nil` for the first.
    func activityPage(after: ActivityKey?) async throws -> ActivityPage

    /// Removes records, because the artifacts were purged.
    func removeActivity(of keys: [ActivityKey]) async throws

    // MARK: Sums

    /// Adds to sums; one that does not exist is 0.
    ///
    /// - Parameter deltas: By name. A name has at most ``ActivityLimits/nameLength`` bytes, and values that are not finite are left out.
    /// - Returns: The new sums, by name.
    func addSums(_ deltas: [String: Double]) async throws -> [String: Double]

    /// All sums, by name.
    func sums() async throws -> [String: Double]

    func removeSums(_ names: [String]) async throws

    /// Adds classes to the list that all processes share, and returns the list. Its order never changes, and `ClassList` gives the same numbers for it.
    func addClasses(_ names: [String]) async throws -> [String]

    // MARK: What was computed

    /// The newest version of a document; `nil` if there is none.
    func document(_ name: ActivityDocument) async throws -> ActivityDocument.Version?

    /// Replaces a document.
    ///
    /// - Parameter bytes: At most ``ActivityLimits/documentBytes``.
    /// - Parameter version: The version that is replaced; 0 if there is none.
    /// - Returns: The new version; `nil` if the current version is not the one to be replaced.
    func replaceDocument(_ name: ActivityDocument, with bytes: [UInt8], version: Int64) async throws -> Int64?

    /// Yields an element after each change of a document, and when changes may have been missed: read the versions again. The stream ends when the
    /// store is
    /// closed.
    func activityChanges() async -> AsyncStream<Void>

    /// Takes the right to compute, or renews it.
    ///
    /// - Parameter holder: The name of the process, unique to it.
    /// - Parameter duration: How long it lasts, unless another call renews it earlier.
    /// - Returns: Whether the holder has it now.
    func takeComputingLease(_ holder: String, duration: Duration) async throws -> Bool

    /// Gives the right to compute back, if the holder has it.
    func giveBackComputingLease(_ holder: String) async throws
}
