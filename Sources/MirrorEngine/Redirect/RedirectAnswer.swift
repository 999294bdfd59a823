package import MirrorCore
package import MirrorState
package import MirrorStorage

/// The answer to a redirect request.
package enum RedirectAnswer: Sendable {
    /// To the replica.
    indirect case replica(ReplicaRedirect)
    /// To the origin.
    case origin(Fallback)
    /// To the mirror itself, with the number of the hop: the copy is not done, and the client would not wait any longer.
    case hop(Int)
    /// To HEAD, if a redirect would not work or would come too late: what is known about the artifact.
    indirect case description(ArtifactDescription)
    /// The egress policy refuses the artifact.
    case refused(message: String)
    /// The origin refuses the artifact; its own status is passed on.
    case originStatus(Int, message: String)

    /// The answer to requests for an artifact whose copy has failed.
    init(_ failure: CopyFailure) {
        self =
            switch failure.reason {
            case .origin(let status): .originStatus(status, message: failure.message)
            case .refused: .refused(message: failure.message)
            case .redirect, .transfer, .content, .tooLarge, .storage, .noRoom, .unfinished: .origin(.copyFailed)
            }
    }

    /// The answer to a request that states a digest: the origin, if the copy has a different one.
    ///
    /// The copy stays, because the request may be wrong. A copy whose SHA-256 is not known is accepted.
    package func checked(against digest: Digest?) -> RedirectAnswer {
        guard let digest, digest.algorithm == .sha256 else { return self }
        let found: Digest? =
            switch self {
            case .replica(let redirect): redirect.object.sha256
            case .description(let description): description.sha256
            case .origin, .hop, .refused, .originStatus: nil
            }
        return found.map { $0 == digest } ?? true ? self : .origin(.otherDigest)
    }

    /// The label in logs, metrics and the `X-Cloud-Mirror-Outcome` field.
    package var outcome: Outcome {
        switch self {
        case .replica(let redirect): redirect.outcome
        case .origin: .fallback
        case .hop: .hop
        case .description(let description): description.outcome
        case .refused: .refused
        case .originStatus: .error
        }
    }
}

/// The outcomes of a redirect request.
package enum Outcome: String, Sendable, CaseIterable {
    case hit, wait, backfill, fallback, refused, error
    /// A HEAD that is answered while the copy is queued or running.
    case pending
    /// Counted separately: a hop is not the end of a request, which has one of the other outcomes.
    case hop

    /// The outcomes that a request can end with.
    static let endings = allCases.filter { $0 != .hop }
}

/// A redirect to a replica.
package struct ReplicaRedirect: Sendable {
    package let id: ReplicaID
    package let outcome: Outcome
    package let object: StoredObject
    package let location: ObjectLocation
    /// Until when the same location may be given to others; `nil` if that is as long as the replica is present.
    package let notAfter: Timestamp?
    /// Taken before the state was read: an answer may be remembered only while this is current (``HotIndex/isCurrent(_:)``).
    package let token: HotIndex.Token
}

/// What an answer to HEAD says about an artifact.
package struct ArtifactDescription: Sendable {
    package private(set) var outcome: Outcome
    /// In bytes.
    package let size: Int64
    package let sha256: Digest?
    /// The pool's, which clients can use in conditions. While the object is not in the pool, the origin's as a weak one: it tells versions apart, but
    /// cannot be used in conditions that the copy would not meet.
    package let etag: String?
    /// The pool's; while the object is not in the pool, the origin's.
    package let lastModified: Timestamp?
    package let contentType: String?
    package let contentEncoding: String?
    package let contentDisposition: String?
    package let acceptsRanges: Bool
    /// Other fields of the origin's answer; none where nobody looks for them.
    package let originFields: OriginFields

    func with(outcome: Outcome) -> ArtifactDescription {
        var description = self
        description.outcome = outcome
        return description
    }
}

extension ArtifactDescription {
    init(_ object: StoredObject, _ representation: Representation, _ originFields: OriginFields, outcome: Outcome) {
        self.init(
            outcome: outcome, size: object.size, sha256: object.sha256, etag: representation.etag,
            lastModified: representation.lastModified, contentType: representation.contentType,
            contentEncoding: representation.contentEncoding, contentDisposition: representation.contentDisposition, acceptsRanges: true,
            originFields: originFields)
    }
}

/// Why a request is redirected to the origin.
package enum Fallback: String, Sendable, CaseIterable {
    /// The copy was not done within the request's wait.
    case timedOut = "timed-out"
    /// The client closed its side of the connection while it waited, so it has most likely gone.
    case left
    /// Too many requests wait, or too many copies are queued.
    case overloaded
    /// The client's network has used up its budget for artifacts without a copy.
    case budget
    /// As many requests from the client's network are waiting as it may have.
    case share
    /// The copy failed for a reason that the origin did not give.
    case copyFailed = "copy-failed"
    /// The replica is being removed.
    case removing
    /// The copy does not have the digest that the request states.
    case otherDigest = "other-digest"
    /// By the rule of a named origin, requests do not wait for a copy of this artifact.
    case notCopied = "not-copied"
    /// Reading from the origin costs no more than reading from the pool, whose policy goes by cost.
    case neverPays = "never-pays"
    /// A copy is not expected to pay, by earlier uses of artifacts like this one; only with `retention.admission: cost`.
    case unlikelyToPay = "unlikely-to-pay"
    /// The client, its network or its named origin wants the origin itself.
    case asked
    /// No pool serves this client.
    case noPool = "no-pool"
    /// The state store or the pool cannot be reached.
    case unavailable
    /// The state store, the pool or the credentials did not answer in time.
    case silent
    /// The mirror is shutting down.
    case shuttingDown = "shutting-down"

    /// The message for the client.
    package var message: String {
        switch self {
        case .timedOut: "Cached copy did not show up in time; this is the origin"
        case .left: "the client has closed its side of the connection; this is the origin"
        case .overloaded: "the mirror is overloaded; this is the origin"
        case .budget: "your network has used up its budget for new copies; this is the origin"
        case .share: "too many requests from your network are already waiting; this is the origin"
        case .copyFailed: "the artifact could not be copied; this is the origin"
        case .removing: "the copy is being removed; this is the origin"
        case .otherDigest: "the copy does not have the digest that the link states; this is the origin"
        case .notCopied: "there is no copy yet; this is the origin"
        case .neverPays: "a copy would never pay here; this is the origin"
        case .unlikelyToPay: "a copy is not expected to pay here; this is the origin"
        case .asked: "this is the origin, as requested"
        case .noPool: "no pool serves this client; this is the origin"
        case .unavailable: "the mirror cannot look for the copy at the moment; this is the origin"
        case .silent: "the mirror could not look for the copy in time; this is the origin"
        case .shuttingDown: "the mirror is shutting down; this is the origin"
        }
    }
}

/// The result of requesting a copy before it is needed.
package enum WarmResult: Sendable {
    case replica(Replica.Status)
    case refused(String)
    case queueFull
    case unavailable

    /// For the API.
    package var state: WarmCall.State {
        switch self {
        case .replica(let status): .init(rawValue: status.state.rawValue)
        case .refused: .refused
        case .queueFull: .queueFull
        case .unavailable: .unavailable
        }
    }

    package var message: String? {
        switch self {
        case .refused(let message): message
        case .queueFull: "too many copies are queued; try again later"
        case .unavailable: "the state store or the pool cannot be reached"
        case .replica(.error(let failure)): failure.message
        case .replica(.removing): "it is being removed; try again"
        case .replica(.pending), .replica(.present): nil
        }
    }
}
