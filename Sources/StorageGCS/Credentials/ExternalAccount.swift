import MirrorCore
import StorageCloud

/// Workload identity federation: a token of an issuer that Google trusts is exchanged for a Google token, which may act as a service account.
///
/// - SeeAlso: AIP-4117; Security Token Service API, `token`.
struct ExternalAccount: GoogleAccount {
    private let audience: String
    private let subjectType: String
    private let tokenAddress: ArtifactURL
    private let subject: any SubjectTokenSource
    private let impersonation: Impersonation?
    /// `Basic …`
    private let authorization: String?
    private let clientSecret: String
    /// The project that is charged for a workforce identity.
    private let userProject: String?
    private let quotaProject: String?

    init(_ fields: JSONFields, _ hosts: GoogleHosts, universe: String) throws(CredentialsError) {
        audience = try fields.requiredText("audience")
        subjectType = try fields.requiredText("subject_token_type")
        let address = try fields.text("token_url") ?? "\(hosts.address(of: "sts", in: universe))/v1/token"
        tokenAddress = try hosts.address(address, named: "token_url of \(fields.place)")
        let lifetime = try fields.object("service_account_impersonation")?.number("token_lifetime_seconds")
        impersonation =
            if let text = try fields.text("service_account_impersonation_url") {
                try Impersonation(address: text, seconds: lifetime, hosts: hosts)
            } else {
                nil
            }
        let secret = try fields.text("client_secret") ?? ""
        clientSecret = secret
        // RFC 6749 §2.3.1.
        authorization = try fields.text("client_id").map { id in
            "Basic \(Base64.encode(Array("\(PercentCoding.encode(id)):\(PercentCoding.encode(secret))".utf8)))"
        }
        userProject = try fields.text("workforce_pool_user_project")
        quotaProject = try fields.text("quota_project_id")
        guard let source = try fields.object("credential_source") else {
            throw CredentialsError(.invalid, "\(fields.place) has no credential_source")
        }
        subject = try Self.subject(source)
    }

    private static func subject(_ source: JSONFields) throws(CredentialsError) -> any SubjectTokenSource {
        if source.has("environment_id") { return try AmazonSubject(source) }
        if source.has("executable") { return try SubjectProgram(source) }
        if source.has("file") { return try SubjectFile(source) }
        if source.has("url") { return try SubjectAddress(source) }
        if source.has("certificate") {
            throw CredentialsError(
                .unsupported, "\(source.place) is a certificate, which this service cannot use; use a file, an address or a program")
        }
        throw CredentialsError(.invalid, "\(source.place) has none of file, url, executable and environment_id")
    }

    func load(_ context: AccountContext) async throws -> GCSCredentials {
        let offset = context.tokens.clockOffset.value
        do {
            return try await exchanged(context)
        } catch let error as CredentialsError where error.code == .refused && context.tokens.clockOffset.value != offset {
            // The answer has told the service's time, with which the subject's token has to be signed.
            return try await exchanged(context)
        }
    }

    private func exchanged(_ context: AccountContext) async throws -> GCSCredentials {
        let request = SubjectRequest(audience: audience, type: subjectType, account: impersonation?.account)
        let subject = try await subject.token(for: request, context)
        var form: [(name: String, value: String)] = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"), ("audience", audience), ("scope", GoogleTokenService.scope),
            ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"), ("subject_token", subject),
            ("subject_token_type", subjectType),
        ]
        if let userProject, authorization == nil {
            form.append(("options", String(decoding: JSONValue.object(["userProject": .string(userProject)]).encoded, as: UTF8.self)))
        }
        let fixed = form
        let grant = try await context.tokens.grant(
            tokenAddress, authorization: authorization, secrets: [subject, clientSecret], form: { fixed })
        let federated = GCSCredentials(
            .token(grant.token), signer: nil, expires: grant.expires, quotaProject: quotaProject, owner: "a federated identity")
        guard let impersonation else { return federated }
        return try await impersonation.load(from: federated, context)
    }
}
