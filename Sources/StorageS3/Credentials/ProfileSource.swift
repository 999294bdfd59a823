import StorageCloud

/// The credentials in a profile itself: keys in either file, or a `credential_process`.
struct ProfileSource: CredentialsSource {
    let settings: SharedConfiguration.Settings

    let name = "profile"

    func look() async throws -> CredentialsFinding<S3Credentials> {
        let shared = try SharedConfiguration(settings)
        guard let values = try shared.values() else { return .absent(shared.absence(of: shared.profile)) }
        return try await look(shared.profile, values, shared)
    }

    /// In the order of the AWS CLI: a signed-in user, the credentials file, the process, the config file.
    func look(_ profile: String, _ values: [String: String], _ shared: SharedConfiguration) async throws -> CredentialsFinding<
        S3Credentials
    > {
        try refuseSignIn(profile, values)
        if let found = try keys(of: profile, in: shared.credentials) { return .found(found) }
        if let command = values.value("credential_process") {
            return try await CredentialsError.prefixing("credential_process of profile \(profile)") {
                let output = try await CredentialProcess.run(command, environment: settings.environment)
                return .found(try CredentialDocument.parse(output, from: .process))
            }
        }
        if let found = try keys(of: profile, in: shared.config) { return .found(found) }
        return .absent("profile \(profile) has no aws_access_key_id, no credential_process and no role_arn")
    }

    /// The key and token of one file; never mixes the key of one with the token of the other.
    private func keys(of profile: String, in part: SharedConfiguration.Part) throws(CredentialsError) -> S3Credentials? {
        guard let values = part.profiles[profile], values.value("aws_access_key_id") != nil else { return nil }
        let fields = CredentialFields(
            accessKeyID: values.value("aws_access_key_id"), secretAccessKey: values.value("aws_secret_access_key"),
            sessionToken: values.value("aws_session_token") ?? values.value("aws_security_token"))
        do {
            return try fields.credentials(
                named: .init(
                    accessKeyID: "aws_access_key_id", secretAccessKey: "aws_secret_access_key", sessionToken: "aws_session_token",
                    expiration: "the expiration"))
        } catch {
            throw error.prefixed("\(part.path ?? "the file"), profile \(profile)")
        }
    }

    /// Signing in needs a person with a browser; the AWS CLI does that and can provide the resulting credentials.
    private func refuseSignIn(_ profile: String, _ values: [String: String]) throws(CredentialsError) {
        let names = ["sso_session", "sso_start_url", "sso_account_id", "sso_role_name", "login_session"]
        guard let name = names.first(where: { values.value($0) != nil }) else { return }
        throw CredentialsError(
            .unsupported,
            "profile \(profile) needs a person to sign in (\(name)), which this service cannot do; let the AWS CLI do it: make another profile with "
                + "`credential_process = aws configure export-credentials --profile \(profile) --format process` and set AWS_PROFILE to that one"
        )
    }
}
