package import MirrorCore

/// The target of a request below `/o/`.
package struct NamedCall: Sendable, Equatable {
    package let origin: NamedOrigin
    package let rule: OriginRule
    /// With the query that the client sent.
    package let url: ArtifactURL
    /// The artifact's digest in the path or in the link. A client may have made it up.
    package let digest: Digest?
    /// How often the client was redirected to the mirror before.
    package let hop: Int

    /// What the origin is asked for where the answer is a page: the URL without what the rule leaves out of the query.
    package var page: ArtifactURL { rule.kind == .mirrored ? url : ArtifactSource(url, rule.query).name }
}

/// Why a request below `/o/` has no valid target, phrased as a sentence for the client without its full stop.
package struct NamedCallError: Error, Sendable, Equatable {
    package enum Code: Sendable {
        /// It cannot be read.
        case invalid
        /// There is no such origin.
        case unknownOrigin
        /// The egress policy forbids the host.
        case notAllowed
    }

    package let code: Code
    package let message: String
}
