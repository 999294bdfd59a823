import MirrorCore

/// What a mirror's answer to a redirect request means for who wants the artifact.
enum MirrorAnswer: Equatable {
    /// Fetch it there.
    case redirect(Redirect)
    /// It cannot be had: the origin's word, or the mirror's rules.
    case refused(message: String, exit: CommandExit)
    /// The mirror is of no help; the origin may be.
    case unusable(reason: String)

    struct Redirect: Equatable {
        /// As it stands in the answer; may be relative.
        var location: String
        var sha256: Digest?
        /// `hit`, `wait`, `fallback`, …; `nil` from a mirror that does not say.
        var outcome: String?
        var pool: String?
    }

    /// What was sent.
    struct Response {
        var status: Int
        /// Looks a field up by its lower-case name.
        var field: (String) -> String?
        /// The answer's body.
        var body: JSONValue?
    }

    init(_ response: Response) {
        let outcome = response.field("x-cloud-mirror-outcome")
        switch response.status {
        case 301, 302, 303, 307, 308:
            guard let location = response.field("location") else {
                self = .unusable(reason: "it redirects without saying where to")
                return
            }
            self = .redirect(
                Redirect(
                    location: location, sha256: response.field("repr-digest").flatMap(DigestField.sha256), outcome: outcome,
                    pool: response.field("x-cloud-mirror-pool")))
        case 429, 500...599:
            self = .unusable(reason: "it answered with status \(response.status)")
        case 400...499:
            let said = response.body?["message"]?.string.map { ": \(TextTable.printable($0))" } ?? ""
            // The mirror's own refusals (a URL that it does not allow, a pool that it does not have) carry another outcome or none.
            let isOriginsWord = outcome == "error" || (outcome == nil && [401, 404, 410].contains(response.status))
            self = .refused(
                message: isOriginsWord
                    ? "the origin does not give this artifact (status \(response.status))\(said)"
                    : "the mirror refuses (status \(response.status))\(said)",
                exit: isOriginsWord ? .notAvailable : .failed)
        default:
            self = .unusable(reason: "it answered with status \(response.status) where a redirect was expected; is it a cloud-mirror?")
        }
    }
}
