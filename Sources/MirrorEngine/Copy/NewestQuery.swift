import MirrorCore
import MirrorState

/// Fetches an artifact with the newest query that is kept for it; of signatures that expire, the one that expires last.
struct NewestQuery: Sendable {
    /// How many queries one attempt may try, because clients could send new ones without end.
    static let limit = 4

    let state: any StateStore

    /// Calls `fetch` again if the origin refuses the query and a newer one has been kept in the meantime.
    ///
    /// If the query is not part of the name, its refusal says nothing about the artifact. It is not remembered, because other clients may have a
    /// query that works.
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
