import AsyncHTTPClient
import MirrorCore
import NIOHTTP1

/// Admin calls.
struct MirrorClient {
    /// Bytes of an answer that are read.
    private static let maxAnswer = 64 << 20

    let address: MirrorAddress
    let token: String?
    let transport: HTTPTransport

    enum Method {
        case get, post, delete

        fileprivate var httpMethod: HTTPMethod {
            switch self {
            case .get: .GET
            case .post: .POST
            case .delete: .DELETE
            }
        }
    }

    /// - Returns: The answer's JSON; `null` when it has none.
    /// - Throws: ``CommandFailure`` for every answer that is not a success.
    func call(_ method: Method, _ url: String, body: JSONValue? = nil) async throws -> JSONValue {
        var headers = [("accept", "application/json")]
        if let token { headers.append(("authorization", "Bearer \(token)")) }
        if body != nil { headers.append(("content-type", "application/json")) }
        let status: UInt
        let bytes: [UInt8]
        do throws(HTTPTransport.Unreachable) {
            let response = try await transport.send(
                method.httpMethod, url, headers: headers, body: body.map { Array($0.text.utf8) }, timeout: 60)
            status = response.status.code
            bytes = await HTTPTransport.body(of: response, limit: Self.maxAnswer)
        } catch {
            throw CommandFailure(
                "cannot reach the mirror at \(address): \(error.reason)\nIs it running there? --mirror or $\(MirrorAddress.variable) says where it is.",
                exit: .unreachable)
        }
        let answer = JSONValue.parse(bytes)
        guard (200..<300).contains(status) else { throw failure(status: status, answer: answer) }
        return answer ?? .null
    }

    func failure(status: UInt, answer: JSONValue?) -> CommandFailure {
        let said = answer?["message"]?.string.map { ": \(TextTable.printable($0))" } ?? ""
        switch status {
        case 401, 403:
            let hint =
                token == nil
                ? "Give an admin token with --token-file or $\(AdminOptions.variable)."
                : "Is the token one of those in the mirror's admin.tokens or admin.tokensFile?"
            return CommandFailure("the mirror at \(address) refuses this call (status \(status))\(said)\n\(hint)")
        case 404 where answer == nil:
            return CommandFailure(
                "\(address) does not know this call (status 404)\nIs it a cloud-mirror, and does it have a listener of its own for admin calls?"
            )
        default:
            return CommandFailure("the mirror at \(address) answered with status \(status)\(said)")
        }
    }
}
