import AsyncHTTPClient
import MirrorCore
import NIOHTTP1

struct AdminClient {
    /// Bytes of an answer's body that are read.
    private static let maxAnswer = 64 << 20

    let address: MirrorAddress
    /// A token that was given to the command. If there is one, no other is used.
    let token: String?
    /// The tokens of mirrors on this machine.
    let localTokens: LocalTokens?
    let transport: HTTPTransport

    /// A successful answer.
    struct Answer {
        let status: UInt
        let body: [UInt8]
    }

    /// - Throws: ``CommandFailure`` for every answer that is not a mirror's success.
    func call<Body: Decodable>(
        _ url: String, _ method: HTTPMethod = .GET, body: (any Encodable)? = nil
    ) async throws(CommandFailure) -> Body {
        try decode(await send(url, method, body: body))
    }

    func decode<Body: Decodable>(_ answer: Answer) throws(CommandFailure) -> Body {
        do {
            return try JSONText.decode(answer.body)
        } catch {
            // Such as a login page, or a proxy's greeting.
            let flaw = (error as? DecodingError)?.words ?? "it cannot be read"
            throw CommandFailure(
                "the server at \(address) does not look like a cloud-mirror (status \(answer.status), and not the JSON that was expected: \(flaw))\n--mirror or $\(MirrorAddress.variable) says where the mirror is."
            )
        }
    }

    func send(
        _ url: String, _ method: HTTPMethod, headers: [(String, String)] = [], body: (any Encodable)? = nil,
        accepting statuses: Set<UInt> = []
    ) async throws(CommandFailure) -> Answer {
        var headers = [("accept", "application/json")] + headers
        if body != nil { headers.append(("content-type", "application/json")) }
        let body = body.map(JSONText.bytes)
        var tried: [String] = []
        var token = token ?? localTokens?.next(besides: tried)
        var answer = try await ask(method, url, headers, token, body)
        // A restarted mirror has a new token, and a stopped one may have left its token behind.
        while answer.status == 401, self.token == nil, let refused = token {
            tried.append(refused)
            token = localTokens?.next(besides: tried)
            if let token { answer = try await ask(method, url, headers, token, body) }
        }
        // Only the error of a mirror can be read by the caller.
        if statuses.contains(answer.status), (try? JSONText.decode(answer.body) as ErrorAnswer) != nil { return answer }
        guard (200..<300).contains(answer.status) else {
            throw failure(status: answer.status, answer: try? JSONText.decode(answer.body) as ErrorAnswer)
        }
        return answer
    }

    private func ask(
        _ method: HTTPMethod, _ url: String, _ headers: [(String, String)], _ token: String?, _ body: [UInt8]?
    ) async throws(CommandFailure) -> Answer {
        let authorization = token.map { [("authorization", "Bearer \($0)")] } ?? []
        do throws(HTTPTransport.Unreachable) {
            let response = try await transport.send(method, url, headers: headers + authorization, body: body, timeout: 60)
            return Answer(status: response.status.code, body: await HTTPTransport.body(of: response, limit: Self.maxAnswer))
        } catch {
            throw CommandFailure(
                "cannot reach the mirror at \(address): \(error.reason)\nIs it running there? --mirror or $\(MirrorAddress.variable) says where it is.",
                exit: .unreachable)
        }
    }

    /// - Parameter answer: `nil` if the body is not a mirror's.
    private func failure(status: UInt, answer: ErrorAnswer?) -> CommandFailure {
        let said = answer.map { ": \(TextTable.printable($0.message))" } ?? ""
        switch status {
        case 401, 403:
            let hint =
                token == nil
                ? "Give an admin token with --token-file or $\(AdminOptions.variable).\(localTokens.map { "\n\($0.hint)" } ?? "")"
                : "Is the token one of those in the mirror's admin.tokens or admin.tokensFile?"
            return CommandFailure("the mirror at \(address) refuses this call (status \(status))\(said)\n\(hint)")
        case 404 where answer == nil:
            return CommandFailure(
                "\(address) does not know this call (status 404)\nIs it a cloud-mirror, and does it have a separate listener for admin calls?"
            )
        case 300..<400:
            return CommandFailure(
                "\(address) redirects this call elsewhere (status \(status)), which a cloud-mirror does not do\nIs something else in front of it, such as a login page?"
            )
        default:
            return CommandFailure("the mirror at \(address) answered with status \(status)\(said)")
        }
    }
}
