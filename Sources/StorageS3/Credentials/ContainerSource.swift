import MirrorCore
import NIOHTTP1
import StorageCloud

/// The agent of ECS or of EKS Pod Identity: `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` or `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
struct ContainerSource: CredentialsSource {
    let environment: [String: String]
    let files: CredentialFiles
    let transport: CredentialsTransport
    /// The base of relative addresses.
    var agent = "http://169.254.170.2"

    let name = "container"

    private static let timeout = Duration.seconds(2)

    func look() async throws -> CredentialsFinding<S3Credentials> {
        guard let url = try address() else {
            return .absent("neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set")
        }
        return try await transport.attempts(3, pause: .milliseconds(500)) {
            // Reread for each attempt, because the token in the file is replaced while the process runs.
            var headers = [("Accept", "application/json")]
            if let token = try authorization() { headers.append(("Authorization", token)) }
            let answer = try await transport.answer(.GET, url, headers: headers, timeout: Self.timeout)
            guard answer.status == 200 else { throw CredentialsError(status: answer.status, of: url.service) }
            return try await CredentialsError.prefixing(url.service) {
                .found(try CredentialDocument.parse(answer.body, from: .container))
            }
        }
    }

    private func address() throws(CredentialsError) -> ArtifactURL? {
        if let path = environment.value("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
            // Any other first character would become part of the host.
            guard path.utf8.first == UInt8(ascii: "/") else {
                throw CredentialsError(.invalid, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not begin with a slash")
            }
            return try ArtifactURL.of("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", agent + path)
        }
        guard let text = environment.value("AWS_CONTAINER_CREDENTIALS_FULL_URI") else { return nil }
        let url = try ArtifactURL.of("AWS_CONTAINER_CREDENTIALS_FULL_URI", text)
        guard url.scheme == .https || Self.isOnThisMachine(url) else {
            throw CredentialsError(
                .invalid,
                "AWS_CONTAINER_CREDENTIALS_FULL_URI leads to \(url.host) without TLS, which only a loopback address, 169.254.170.2, 169.254.170.23 and fd00:ec2::23 may"
            )
        }
        return url
    }

    private static func isOnThisMachine(_ url: ArtifactURL) -> Bool {
        guard let address = url.hostAddress else { return url.host == "localhost" }
        let allowed = ["127.0.0.0/8", "::1", "169.254.170.2", "169.254.170.23", "fd00:ec2::23"]
        return allowed.contains { IPNetwork($0)?.contains(address.unmapped) == true }
    }

    private func authorization() throws(CredentialsError) -> String? {
        if let path = environment.value("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
            return try checked(try files.text(path, of: "the token file"), "the token file \(path)")
        }
        guard let token = environment.value("AWS_CONTAINER_AUTHORIZATION_TOKEN") else { return nil }
        return try checked(token, "AWS_CONTAINER_AUTHORIZATION_TOKEN")
    }

    /// Refuses a token with a line break, which would end the header field that it is sent in.
    private func checked(_ token: String, _ place: String) throws(CredentialsError) -> String {
        guard token.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            throw CredentialsError(.invalid, "\(place) contains a line break or another character that cannot be sent")
        }
        return token
    }
}
