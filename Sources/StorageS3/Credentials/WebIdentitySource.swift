import StorageCloud

/// A role for the holder of a token from a trusted issuer, as in pods of EKS: `AWS_WEB_IDENTITY_TOKEN_FILE` and `AWS_ROLE_ARN`, or the same
/// settings in a profile.
struct WebIdentitySource: CredentialsSource {
    let settings: SharedConfiguration.Settings
    let tokenService: SecurityTokenService

    let name = "web identity"

    /// Bytes. STS refuses longer ones.
    private static let maxTokenLength = 20_000

    func look() async throws -> CredentialsFinding<S3Credentials> {
        let shared = try SharedConfiguration(settings)
        let values = try shared.values() ?? [:]
        // A profile named in the configuration takes precedence over the environment.
        return try await look(shared.profile, values, environment: settings.profile == nil ? settings.environment : [:])
    }

    func look(_ profile: String, _ values: [String: String], environment: [String: String]) async throws -> CredentialsFinding<
        S3Credentials
    > {
        guard let path = environment.value("AWS_WEB_IDENTITY_TOKEN_FILE") ?? values.value("web_identity_token_file") else {
            return .absent("neither AWS_WEB_IDENTITY_TOKEN_FILE nor web_identity_token_file of profile \(profile) is set")
        }
        guard let arn = environment.value("AWS_ROLE_ARN") ?? values.value("role_arn") else {
            throw CredentialsError(.invalid, "there is a token file, but no role: set AWS_ROLE_ARN, or role_arn in profile \(profile)")
        }
        let role = SecurityTokenService.Role(
            arn: arn, sessionName: environment.value("AWS_ROLE_SESSION_NAME") ?? values.value("role_session_name"))
        return try await CredentialsError.prefixing("role \(arn)") {
            // Reread each time, because the token expires and is replaced while the process runs.
            .found(try await tokenService.assume(role, withToken: try token(at: path), region: values.value("region")))
        }
    }

    private func token(at path: String) throws(CredentialsError) -> String {
        let text = try settings.files.text(path, of: "the token file")
        let scalars = text.unicodeScalars.drop(while: Self.isSpace)
        guard let end = scalars.lastIndex(where: { !Self.isSpace($0) }) else {
            throw CredentialsError(.invalid, "the token file \(path) is empty")
        }
        let token = String(scalars[...end])
        guard token.utf8.count <= Self.maxTokenLength, token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw CredentialsError(.invalid, "the token file \(path) holds no token")
        }
        return token
    }

    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool { scalar == " " || scalar == "\n" || scalar == "\r" || scalar == "\t" }
}
