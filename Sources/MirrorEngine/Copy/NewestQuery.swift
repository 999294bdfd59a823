import MirrorCore
import MirrorState

/// Fetches an artifact with the newest query that is kept for it: of a signature that ends, the one that ends last.
struct NewestQuery: Sendable {
    /// Queries that one attempt asks the origin with, at most: clients may bring new ones for as long as they like.
    static let limit = 4

    let state: any StateStore

    /// Calls `fetch` again when the origin refuses the query and a newer one has been kept meanwhile.
    ///
    /// A refusal of a query that is not part of the name says nothing of the artifact: it is not remembered, and told to nobody who may have another.
    func withNewest<Success: Sendable>(
        for id: ReplicaID, _ fetch: (ArtifactSource) async throws -> Success
    ) async throws -> Success {
        var query = try await state.query(for: id)
        var left = Self.limit
        while true {
            do {
                return try await fetch(ArtifactSource(id.artifact, query: query))
            } catch let error as CopyError {
                guard case .origin(let status) = error.reason, !error.isTransient else { throw error }
                left -= 1
                if left > 0, let newest = try await state.query(for: id), newest != query {
                    query = newest
                    continue
                }
                guard query != nil else { throw error }
                throw CopyError(
                    .transfer, isTransient: false,
                    "the origin answered \(status) to a URL with a query that is not part of the artifact's name",
                    isRemembered: false)
            }
        }
    }
}
