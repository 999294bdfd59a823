import MirrorCore

@testable import MirrorEngine

extension RedirectService {
    /// One answer for a client that does not hop.
    ///
    /// - Parameter wait: Until it is copied, however long that takes, unless it is given.
    func answer(
        _ origin: any Origin, in pool: Pool?, wait: Duration?, isHead: Bool = false, isReportedMissing: Bool = false,
        from client: ClientNetwork? = nil
    ) async -> RedirectAnswer {
        let wait = self.wait(asked: wait ?? .seconds(600), hop: 0, patience: Patience(hop: .seconds(600), hops: 0))
        return await answer(
            origin, in: pool, wait: wait, isHead: isHead, isReportedMissing: isReportedMissing, from: client, sharer: client)
    }
}

/// For artifacts whose name is all that it takes to fetch them.
extension RedirectService {
    func artifact(_ text: String) throws -> ArtifactURL { try resolve(text).source.name }

    private func origin(of artifact: ArtifactURL) -> any Origin { origins.origin(of: ArtifactSource(artifact)) }

    func location(of artifact: ArtifactURL) async -> String { await location(of: origin(of: artifact)) }

    func answer(
        _ artifact: ArtifactURL, in pool: Pool?, wait: Duration?, isHead: Bool = false, isReportedMissing: Bool = false,
        from client: ClientNetwork? = nil
    ) async -> RedirectAnswer {
        await answer(
            origin(of: artifact), in: pool, wait: wait, isHead: isHead, isReportedMissing: isReportedMissing, from: client)
    }

    func answer(
        _ artifact: ArtifactURL, in pool: Pool?, wait: Wait, isHead: Bool = false, client: ClientPresence? = nil
    ) async -> RedirectAnswer {
        await answer(origin(of: artifact), in: pool, wait: wait, isHead: isHead, from: nil, sharer: nil, client: client)
    }

    func warm(_ artifact: ArtifactURL, in pool: Pool) async -> WarmResult { await warm(origin(of: artifact), in: pool) }
}
