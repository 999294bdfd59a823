import MirrorCore

/// The results of a `warm`.
struct WarmReport {
    let artifacts: Int
    private(set) var replicas: [WarmCall.Item] = []
    /// Replicas that were asked for but do not appear in any answer.
    private(set) var unanswered = 0

    mutating func add(_ answer: WarmCall.Answer, to request: WarmCall.Request) {
        replicas += answer.replicas
        // Without pools in the request, only the mirror knows how many there are; at least one.
        unanswered += max(0, request.urls.count * (request.pools?.count ?? 1) - answer.replicas.count)
    }

    /// The number of replicas in each state.
    var counts: [String: Int] {
        replicas.reduce(into: [:]) { $0[$1.state.rawValue, default: 0] += 1 }
    }

    var notTaken: [WarmCall.Item] { replicas.filter { !$0.state.isTaken } }

    /// `3 artifacts in 2 pools: 4 pending, 1 present, 1 refused`
    var summary: String {
        let pools = Set(replicas.map(\.pool)).count
        let what = "\(artifacts == 1 ? "1 artifact" : "\(artifacts) artifacts")\(pools > 1 ? " in \(pools) pools" : "")"
        let order = [WarmCall.State.pending, .present, .refused, .queueFull, .unavailable].map(\.rawValue)
        let known = order.filter { counts[$0] != nil } + counts.keys.filter { !order.contains($0) }.sorted()
        let words = known.map { "\(counts[$0] ?? 0) \(Self.word($0))" }
        return words.isEmpty ? what : "\(what): \(words.joined(separator: ", "))"
    }

    var json: String { JSONText.text(Document(counts: counts, replicas: replicas)) }

    /// - Parameter invalid: The number of lines that were not URLs.
    /// - Returns: `nil` if everything was accepted.
    func failure(invalid: Int) -> CommandFailure? {
        let notTaken = notTaken.count + unanswered
        switch (notTaken, invalid) {
        case (0, 0): return nil
        case (0, _): return CommandFailure("\(invalid == 1 ? "1 line was" : "\(invalid) lines were") not a URL; the others were accepted")
        default:
            let rest = unanswered == 0 ? "" : "; its answer does not mention \(unanswered) of them"
            return CommandFailure("the mirror did not accept \(notTaken) of \(replicas.count + unanswered)\(rest)")
        }
    }

    /// `refused: https://… in local/dev: why`
    static func line(_ item: WarmCall.Item) -> String {
        let url = (try? ArtifactURL(item.url))?.redacted ?? item.url
        return "\(word(item.state.rawValue)): \(url) in \(item.pool)\(item.error.map { ": \($0)" } ?? "")"
    }

    private static func word(_ state: String) -> String { TextTable.printable(state.replacing("-", with: " ")) }

    private struct Document: Encodable {
        let counts: [String: Int]
        let replicas: [WarmCall.Item]
    }
}
