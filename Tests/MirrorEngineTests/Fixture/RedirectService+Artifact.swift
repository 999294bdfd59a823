import MirrorCore
import MirrorEngine

extension RedirectService {
    /// One answer for a client that does not hop.
    ///
    /// - Parameter wait: Until it is copied, however long that takes, unless it is given.
    func answer(
        _ source: ArtifactSource, in pool: Pool?, wait: Duration?, isHead: Bool = false, isReportedMissing: Bool = false,
        from client: ClientNetwork? = nil
    ) async -> RedirectAnswer {
        let wait = self.wait(asked: wait ?? .seconds(600), hop: 0, patience: Patience(hop: .seconds(600), hops: 0))
        return await answer(
            source, in: pool, wait: wait, isHead: isHead, isReportedMissing: isReportedMissing, from: client, sharer: client)
    }
}

/// For artifacts whose name is all that it takes to fetch them.
extension RedirectService {
    func artifact(_ text: String) throws -> ArtifactURL { try source(text).name }

    func originLocation(of artifact: ArtifactURL) async -> String { await originLocation(of: ArtifactSource(artifact)) }

    func answer(
        _ artifact: ArtifactURL, in pool: Pool?, wait: Duration?, isHead: Bool = false, isReportedMissing: Bool = false,
        from client: ClientNetwork? = nil
    ) async -> RedirectAnswer {
        await answer(
            ArtifactSource(artifact), in: pool, wait: wait, isHead: isHead, isReportedMissing: isReportedMissing, from: client)
    }

    func answer(_ artifact: ArtifactURL, in pool: Pool?, wait: Wait, isHead: Bool = false) async -> RedirectAnswer {
        await answer(ArtifactSource(artifact), in: pool, wait: wait, isHead: isHead, from: nil, sharer: nil)
    }

    func warm(_ artifact: ArtifactURL, in pool: Pool) async -> WarmResult { await warm(ArtifactSource(artifact), in: pool) }
}
