import AsyncHTTPClient
import MirrorCore
import NIOHTTP1

/// Asks a mirror where an artifact is, and repeats the question while the mirror is copying it.
struct MirrorInquiry {
    /// How often a mirror may say "not yet".
    static let maxHops = 100
    /// Seconds that are added to the time that the mirror may take.
    private static let patience: Int64 = 30
    /// Seconds; the highest configured wait is 300 unless somebody raised the limit.
    private static let longestWait: Int64 = 300
    private static let maxAnswer = 65_536

    let artifact: ArtifactURL
    let address: MirrorAddress
    let pool: PoolID?
    /// Seconds; `nil` leaves it to the mirror.
    let wait: Int?
    let isQuiet: Bool

    /// Seconds until the mirror must have begun to answer.
    var timeout: Int64 { (wait.map { Int64($0) } ?? Self.longestWait) + Self.patience }

    /// - Parameter isMissing: Whether the copy that the mirror redirected to does not exist.
    func ask(_ transport: HTTPTransport, isMissing: Bool = false) async -> MirrorAnswer {
        let notice = WaitNotice(isQuiet: isQuiet)
        // Ends, and clears its line, before this function returns.
        async let _ = notice.run()
        var url = address.redirect(to: artifact, pool: pool, wait: wait, isMissing: isMissing)
        for _ in 0...Self.maxHops {
            let answer = await ask(transport, url)
            guard case .hop(let location) = answer else { return answer }
            guard let next = address.hop(to: location, from: url) else {
                return .unusable(reason: "it says that it is still copying, but redirects elsewhere")
            }
            url = next
        }
        return .unusable(reason: "it answered more than \(Self.maxHops) times that it was still copying")
    }

    private func ask(_ transport: HTTPTransport, _ url: String) async -> MirrorAnswer {
        do {
            let response = try await transport.send(.GET, url, timeout: timeout)
            let body = await HTTPTransport.body(of: response, limit: Self.maxAnswer)
            return MirrorAnswer(
                MirrorAnswer.Response(
                    status: Int(response.status.code), field: { response.headers.first(name: $0) },
                    error: try? JSONText.decode(body) as ErrorAnswer))
        } catch {
            return .unusable(reason: error.reason)
        }
    }
}
