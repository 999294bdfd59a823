import MirrorCore
import NIOHTTP1
import StorageCloud

/// What a token is wanted for.
struct SubjectRequest: Sendable {
    let audience: String
    /// `urn:ietf:params:oauth:token-type:jwt`
    let type: String
    /// The service account that is acted as then.
    let account: String?
}

/// The source of the token that an external account exchanges. Asked each time, because such tokens are short-lived.
protocol SubjectTokenSource: Sendable {
    func token(for request: SubjectRequest, _ context: AccountContext) async throws -> String
}

/// The form of a token in a file or an answer: as it is, or as a member of a JSON object.
struct SubjectFormat: Sendable {
    private let member: String?

    /// - Parameter source: Has the `format`, which may be left out.
    init(_ source: JSONFields) throws(CredentialsError) {
        let format = try source.object("format")
        switch try format?.text("type") ?? "text" {
        case "text": member = nil
        case "json":
            guard let name = try format?.text("subject_token_field_name") else {
                throw CredentialsError(.invalid, "the format of \(source.place) has no subject_token_field_name")
            }
            member = name
        default: throw CredentialsError(.invalid, "the format of \(source.place) is neither text nor json")
        }
    }

    func token(in bytes: [UInt8], of place: String) throws(CredentialsError) -> String {
        if let member { return try JSONFields(bytes, of: place).requiredText(member) }
        let isSpace = { (byte: UInt8) in byte == 0x20 || (0x09...0x0D).contains(byte) }
        let text = bytes.drop(while: isSpace).reversed().drop(while: isSpace).reversed()
        guard let token = String(validating: text, as: UTF8.self), !token.isEmpty else {
            throw CredentialsError(.invalid, "\(place) is empty, or not UTF-8")
        }
        return token
    }
}

/// A token in a file that is replaced in time, as in Kubernetes pods.
struct SubjectFile: SubjectTokenSource {
    private let path: String
    private let format: SubjectFormat

    init(_ source: JSONFields) throws(CredentialsError) {
        path = try source.requiredText("file")
        format = try SubjectFormat(source)
    }

    func token(for request: SubjectRequest, _ context: AccountContext) async throws -> String {
        let text = try context.files.text(path, of: "the token file")
        return try format.token(in: Array(text.utf8), of: "the token file \(path)")
    }
}

/// A token that a service on the machine or in a cloud issues.
struct SubjectAddress: SubjectTokenSource {
    private let url: ArtifactURL
    private let headers: [(name: String, value: String)]
    private let format: SubjectFormat

    private static let timeout: Duration = .seconds(5)

    init(_ source: JSONFields) throws(CredentialsError) {
        url = try Self.address(try source.requiredText("url"), named: "url of \(source.place)")
        headers = try source.map("headers")
        for (name, value) in headers where !JSONFields.isToken(name) || value.utf8.contains(where: { $0 < 0x20 || $0 > 0x7E }) {
            throw CredentialsError(.invalid, "headers of \(source.place) are not fields of HTTP")
        }
        format = try SubjectFormat(source)
    }

    /// - Throws: `.invalid` for an address without TLS, unless it is one of this machine or of the link that metadata services are on.
    static func address(_ text: String, named name: String) throws(CredentialsError) -> ArtifactURL {
        let url = try ArtifactURL.of(name, text)
        guard url.scheme == .https || isNear(url) else {
            throw CredentialsError(
                .invalid, "\(name) leads to \(url.host) without TLS, which only this machine and its metadata service may")
        }
        return url
    }

    private static func isNear(_ url: ArtifactURL) -> Bool {
        guard let address = url.hostAddress else { return url.host == "localhost" || url.host == "metadata.google.internal" }
        let allowed = ["127.0.0.0/8", "::1", "169.254.0.0/16", "fd00:ec2::254", "fd20:ce::254"]
        return allowed.contains { IPNetwork($0)?.contains(address.unmapped) == true }
    }

    func token(for request: SubjectRequest, _ context: AccountContext) async throws -> String {
        let transport = context.tokens.transport
        return try await transport.attempts(3, pause: .milliseconds(500)) {
            let answer = try await transport.answer(.GET, url, headers: headers.map { ($0.name, $0.value) }, timeout: Self.timeout)
            guard answer.status == 200 else {
                throw CredentialsError(
                    answer.status >= 500 || answer.status == 429 ? .unavailable : .refused,
                    "\(url.service) answers with status \(answer.status)")
            }
            return try format.token(in: answer.body, of: "the answer of \(url.service)")
        }
    }
}
