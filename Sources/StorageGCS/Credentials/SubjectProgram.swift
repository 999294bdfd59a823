import MirrorCore
import StorageCloud

/// A program that prints a token, and may leave it in a file for the next time. Run only if the environment allows it.
///
/// - SeeAlso: AIP-4117, "Determining the subject token in executable-sourced credentials".
struct SubjectProgram: SubjectTokenSource {
    private let command: String
    private let timeout: Duration
    private let file: String?

    private static let permission = "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES"

    init(_ source: JSONFields) throws(CredentialsError) {
        guard let program = try source.object("executable") else { throw CredentialsError(.invalid, "\(source.place) has no executable") }
        command = try program.requiredText("command")
        let milliseconds = try program.number("timeout_millis") ?? 30_000
        guard (5_000...120_000).contains(milliseconds) else {
            throw CredentialsError(.invalid, "timeout_millis of \(program.place) is not a number from 5000 to 120000")
        }
        timeout = .milliseconds(milliseconds)
        file = try program.text("output_file")
    }

    func token(for request: SubjectRequest, _ context: AccountContext) async throws -> String {
        guard context.environment[Self.permission] == "1" else {
            throw CredentialsError(.invalid, "the credentials come from a program, which is run only if \(Self.permission) is 1")
        }
        let now = context.tokens.transport.clock.now
        if let kept = kept(context.files, now) { return kept }
        var environment = context.environment
        environment["GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE"] = request.audience
        environment["GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE"] = request.type
        environment["GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE"] = "0"
        environment["GOOGLE_EXTERNAL_ACCOUNT_IMPERSONATED_EMAIL"] = request.account
        environment["GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE"] = file
        return try await CredentialsError.prefixing("the program that gives out the token") {
            let output = try await CredentialProcess.run(command, environment: environment, timeout: timeout)
            return try Self.token(in: output, of: "its answer", now: now, mustEnd: file != nil)
        }
    }

    /// What an earlier run has left, if it can still be used.
    private func kept(_ files: CredentialFiles, _ now: Timestamp) -> String? {
        guard let file, case .bytes(let bytes) = files.read(file) else { return nil }
        return try? Self.token(in: bytes, of: "the file", now: now + .seconds(60), mustEnd: true)
    }

    /// - Parameter mustEnd: Whether it has to be said when the token ends.
    static func token(in bytes: [UInt8], of place: String, now: Timestamp, mustEnd: Bool) throws(CredentialsError) -> String {
        let fields = try JSONFields(bytes, of: place)
        guard try fields.number("version") == 1 else { throw CredentialsError(.unsupported, "the version of \(place) is not 1") }
        guard let isSuccess = try fields.flag("success") else { throw CredentialsError(.invalid, "\(place) has no success") }
        guard isSuccess else {
            throw CredentialsError(.refused, "\(place) says that there is no token: \(CredentialText.word(try fields.text("code") ?? ""))")
        }
        let end = try fields.number("expiration_time")
        guard end != nil || !mustEnd else { throw CredentialsError(.invalid, "\(place) has no expiration_time") }
        if let end, end <= now.milliseconds / 1_000 { throw CredentialsError(.expired, "the token in \(place) has expired") }
        switch try fields.requiredText("token_type") {
        case "urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token": return try fields.requiredText("id_token")
        case "urn:ietf:params:oauth:token-type:saml2": return try fields.requiredText("saml_response")
        default: throw CredentialsError(.unsupported, "the token_type of \(place) is not one that Google accepts from a program")
        }
    }
}
