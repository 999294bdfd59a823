import MirrorCore
import StorageCloud

/// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` and `AWS_CREDENTIAL_EXPIRATION`.
struct EnvironmentSource: CredentialsSource {
    let environment: [String: String]
    let clock: any WallClock

    let name = "environment"

    func look() async throws -> CredentialsFinding<S3Credentials> {
        guard environment.value("AWS_ACCESS_KEY_ID") != nil else { return .absent("AWS_ACCESS_KEY_ID is not set") }
        let fields = CredentialFields(
            accessKeyID: environment.value("AWS_ACCESS_KEY_ID"), secretAccessKey: environment.value("AWS_SECRET_ACCESS_KEY"),
            // The second is the name of the first before 2014.
            sessionToken: environment.value("AWS_SESSION_TOKEN") ?? environment.value("AWS_SECURITY_TOKEN"),
            expiration: environment.value("AWS_CREDENTIAL_EXPIRATION"))
        let credentials = try fields.credentials(
            named: .init(
                accessKeyID: "AWS_ACCESS_KEY_ID", secretAccessKey: "AWS_SECRET_ACCESS_KEY", sessionToken: "AWS_SESSION_TOKEN",
                expiration: "AWS_CREDENTIAL_EXPIRATION"))
        if let expires = credentials.expires, expires <= clock.now {
            throw CredentialsError(
                .expired,
                "the credentials in the environment expired at \(expires.iso8601), and a running process cannot be given new ones that way; restart it, or use a source that is renewed"
            )
        }
        return .found(credentials)
    }
}
