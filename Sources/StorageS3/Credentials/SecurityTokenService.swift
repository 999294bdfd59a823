import MirrorCore
import NIOCore
import NIOHTTP1
import StorageCloud

/// AWS STS, which issues temporary credentials for a role.
struct SecurityTokenService: Sendable {
    struct Role: Sendable {
        var arn: String
        /// The session's name in the service's own log.
        var sessionName: String?
        var externalID: String?
        /// How long the credentials should be valid; `nil` for the service's default of one hour.
        var seconds: Int?
    }

    let environment: [String: String]
    /// The region if neither the environment nor the profile names one; `nil` for the service's global endpoint.
    let region: String?
    let transport: CredentialsTransport

    /// STS itself needs some time for roles with large policies.
    private static let timeout = Duration.seconds(10)
    private static let maxAttempts = 3

    /// `AssumeRole`, signed with other credentials.
    func assume(_ role: Role, with credentials: S3Credentials, region profileRegion: String?) async throws -> S3Credentials {
        var fields = [("Action", "AssumeRole")] + common(role)
        if let id = role.externalID { fields.append(("ExternalId", id)) }
        let form = CredentialsTransport.form(fields)
        let region = effectiveRegion(profileRegion)
        let url = try endpoint(region)
        let signer = S3Signer(credentials: credentials, region: region ?? "us-east-1", service: "sts")
        let secrets = [credentials.secretAccessKey, credentials.sessionToken ?? ""]
        return try await call(url, form, "AssumeRole", secrets: secrets) { headers, now in
            let request = SignableRequest(method: "POST", host: url.authority, path: url.path, headers: headers)
            return signer.sign(request, payload: PayloadHash(of: [ByteBuffer(string: form)]), at: now).headers
        }
    }

    /// `AssumeRoleWithWebIdentity`: the token replaces a signature.
    func assume(_ role: Role, withToken token: String, region profileRegion: String?) async throws -> S3Credentials {
        let form = CredentialsTransport.form([("Action", "AssumeRoleWithWebIdentity")] + common(role) + [("WebIdentityToken", token)])
        let url = try endpoint(effectiveRegion(profileRegion))
        return try await call(url, form, "AssumeRoleWithWebIdentity", secrets: [token]) { headers, _ in headers }
    }

    private func call(
        _ url: ArtifactURL, _ form: String, _ action: String, secrets: [String],
        sign: (_ headers: [(name: String, value: String)], _ now: Timestamp) -> [(name: String, value: String)]
    ) async throws -> S3Credentials {
        try await transport.attempts(Self.maxAttempts, pause: .seconds(1)) {
            let answer = try await transport.answerInTime { now in
                let headers = sign([("content-type", "application/x-www-form-urlencoded; charset=utf-8"), ("accept", "text/xml")], now)
                return try await transport.answer(
                    .POST, url, headers: headers.map { ($0.name, $0.value) }, body: form, timeout: Self.timeout)
            }
            guard answer.status == 200 else {
                let said = STSDocument.error(answer.body)
                throw CredentialsError(
                    status: answer.status, of: url.service, said: said, secrets: secrets,
                    isTransient: said.map { Self.transientCodes.contains($0.code) } ?? false)
            }
            return try await CredentialsError.prefixing(url.service) { try STSDocument.credentials(answer.body, of: action) }
        }
    }

    private func common(_ role: Role) -> [(String, String)] {
        var fields = [
            ("Version", "2011-06-15"), ("RoleArn", role.arn),
            ("RoleSessionName", role.sessionName ?? "cloud-mirror-\(transport.clock.now.milliseconds / 1_000)"),
        ]
        if let seconds = role.seconds { fields.append(("DurationSeconds", "\(seconds)")) }
        return fields
    }

    // MARK: Where it is

    func effectiveRegion(_ profileRegion: String?) -> String? {
        environment.value("AWS_REGION") ?? environment.value("AWS_DEFAULT_REGION") ?? profileRegion ?? region
    }

    func endpoint(_ region: String?) throws(CredentialsError) -> ArtifactURL {
        var (text, source) = ("https://sts.amazonaws.com", "the address of STS")
        let isIgnored = environment["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"]?.lowercased() == "true"
        if let variable = ["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"].first(where: { environment.value($0) != nil }), !isIgnored {
            (text, source) = (environment[variable] ?? "", variable)
        } else if let region {
            guard S3Region.isName(region) else { throw CredentialsError(.invalid, "the region is not the name of a region") }
            text = "https://sts.\(region).\(Self.domain(of: region))"
        }
        return try .of(source, text)
    }

    /// AWS General Reference, "AWS service endpoints": each partition has its own domain.
    private static func domain(of region: String) -> String {
        if region.hasPrefix("cn-") { return "amazonaws.com.cn" }
        if region.hasPrefix("us-isob-") { return "sc2s.sgov.gov" }
        if region.hasPrefix("us-iso-") { return "c2s.ic.gov" }
        if region.hasPrefix("eusc-") { return "amazonaws.eu" }
        return "amazonaws.com"
    }

    /// AWS STS API Reference, "AssumeRoleWithWebIdentity", errors: STS could not reach the token's issuer, or asks for fewer requests.
    private static let transientCodes: Set<String> = ["IDPCommunicationError", "Throttling", "ThrottlingException", "RequestThrottled"]
}
