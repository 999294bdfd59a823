import MirrorCore

/// What a mirror's answer to a redirect request means for a client that wants the artifact.
///
/// Only an answer with `X-Cloud-Mirror-Outcome` comes from a mirror. An answer of a login page, a proxy or a load balancer is neither
/// the artifact nor the origin's answer.
enum MirrorAnswer: Equatable {
    /// Fetch it there.
    case redirect(Redirect)
    /// It is being copied: ask again there.
    case hop(location: String)
    /// It is not available: the origin or the mirror's rules say so.
    case refused(message: String, exit: CommandExit)
    /// The origin answered the mirror with a failure that may be temporary.
    case originFailed(status: Int, said: String)
    /// The mirror cannot help; the origin may.
    case unusable(reason: String)

    struct Redirect: Equatable {
        /// As in the answer; may be relative.
        var location: String
        var sha256: Digest?
        /// `hit`, `wait`, `fallback`, …
        var outcome: String
        var pool: String?

        /// Whether it leads to a copy, not to the origin.
        var isToCopy: Bool { outcome != "fallback" }
    }

    struct Response {
        var status: Int
        /// Looks a field up by its lower-case name.
        var field: (String) -> String?
        /// The body, if it is that of an error.
        var error: ErrorAnswer?
    }

    init(_ response: Response) {
        guard let outcome = response.field("x-cloud-mirror-outcome") else {
            self = .unusable(
                reason:
                    "it does not look like a cloud-mirror: it answered with status \(response.status), and without X-Cloud-Mirror-Outcome")
            return
        }
        let said = response.error.map { ": \(TextTable.printable($0.message))" } ?? ""
        switch (response.status, outcome) {
        case (301...303, _), (307...308, _):
            guard let location = response.field("location") else {
                self = .unusable(reason: "it redirects without a Location")
                return
            }
            guard outcome != "hop" else {
                self = .hop(location: location)
                return
            }
            let digests = response.field("repr-digest").map(Digest.list(reprDigest:)) ?? []
            self = .redirect(
                Redirect(
                    location: location, sha256: digests.first { $0.algorithm == .sha256 },
                    outcome: TextTable.printable(outcome), pool: response.field("x-cloud-mirror-pool").map(TextTable.printable)))
        case (400...599, "error") where Self.isTransient(response.status):
            self = .originFailed(status: response.status, said: said)
        case (400...499, "error"):
            self = .refused(message: "the origin does not serve this artifact (status \(response.status))\(said)", exit: .notAvailable)
        case (400...499, _) where response.status != 429:
            self = .refused(message: "the mirror refuses (status \(response.status))\(said)", exit: .failed)
        default:
            self = .unusable(reason: "it answered with status \(response.status)\(said)")
        }
    }

    /// The origin's statuses after which a later attempt may succeed; a mirror retries them, too.
    static func isTransient(_ status: Int) -> Bool { status >= 500 || [408, 425, 429].contains(status) }
}
