import MirrorCore
import StorageCloud

/// The documents in which Google issues credentials: `service_account`, `authorized_user`, `external_account`,
/// `impersonated_service_account`.
///
/// - SeeAlso: AIP-4112, AIP-4113, AIP-4117.
enum AccountDocument {
    /// - Parameter place: Where the document is, for messages.
    /// - Throws: `.invalid`; `.unsupported` for a kind that the mirror cannot use. Nothing of the document's secrets gets into the error.
    static func parse(_ bytes: [UInt8], of place: String, hosts: GoogleHosts) throws(CredentialsError) -> any GoogleAccount {
        try account(try JSONFields(bytes, of: place), hosts, mayBeImpersonated: true)
    }

    private static func account(
        _ fields: JSONFields, _ hosts: GoogleHosts, mayBeImpersonated: Bool
    ) throws(CredentialsError) -> any GoogleAccount {
        let universe = try hosts.universe(try fields.text("universe_domain"))
        switch try fields.requiredText("type") {
        case "service_account": return try ServiceAccount(fields, hosts, universe: universe)
        case "authorized_user": return try UserAccount(fields, hosts, universe: universe)
        case "external_account": return try ExternalAccount(fields, hosts, universe: universe)
        case "impersonated_service_account" where mayBeImpersonated:
            guard let source = try fields.object("source_credentials") else {
                throw CredentialsError(.invalid, "\(fields.place) has no source_credentials")
            }
            return ImpersonatedAccount(
                source: try account(source, hosts, mayBeImpersonated: false),
                impersonation: try Impersonation(
                    address: try fields.requiredText("service_account_impersonation_url"), delegates: try fields.texts("delegates"),
                    hosts: hosts))
        case "impersonated_service_account":
            throw CredentialsError(.unsupported, "\(fields.place) are impersonated themselves; list the accounts in between as delegates")
        case "external_account_authorized_user", "gdch_service_account":
            throw CredentialsError(
                .unsupported, "\(fields.place) holds credentials that are not for services; use a service account, or workload identity")
        default:
            throw CredentialsError(
                .invalid,
                "the type in \(fields.place) is not service_account, authorized_user, external_account or impersonated_service_account")
        }
    }
}

/// A service account with its private key: it asks for tokens by assertions of its own (RFC 7523).
struct ServiceAccount: GoogleAccount {
    private let key: AccountKey
    private let quotaProject: String?

    init(_ fields: JSONFields, _ hosts: GoogleHosts, universe: String) throws(CredentialsError) {
        let address = try fields.text("token_uri") ?? "\(hosts.address(of: "oauth2", in: universe))/token"
        key = try AccountKey(
            email: try fields.requiredSecret("client_email"), keyID: try fields.text("private_key_id"),
            tokenAddress: try hosts.address(address, named: "token_uri of \(fields.place)"), pem: try fields.requiredText("private_key"))
        quotaProject = try fields.text("quota_project_id")
    }

    func load(_ context: AccountContext) async throws -> GCSCredentials {
        let grant = try await context.tokens.grant(key.tokenAddress, secrets: []) {
            [
                ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                ("assertion", try Self.assertion(key, at: context.tokens.now)),
            ]
        }
        return GCSCredentials(
            .token(grant.token), signer: .key(key), expires: grant.expires, quotaProject: quotaProject, owner: key.email)
    }

    /// A JSON Web Token (RFC 7519) for an hour, signed with RS256.
    static func assertion(_ key: AccountKey, at time: Timestamp) throws(CredentialsError) -> String {
        var header: [String: JSONValue] = ["alg": .string("RS256"), "typ": .string("JWT")]
        if let id = key.keyID { header["kid"] = .string(id) }
        let seconds = time.milliseconds / 1_000
        let claims: [String: JSONValue] = [
            "iss": .string(key.email), "scope": .string(GoogleTokenService.scope), "aud": .string(key.tokenAddress.description),
            "iat": .integer(seconds), "exp": .integer(seconds + 3_600),
        ]
        let text = "\(base64URL(JSONValue.object(header).encoded)).\(base64URL(JSONValue.object(claims).encoded))"
        return "\(text).\(base64URL(try key.signature(of: text)))"
    }

    /// RFC 4648 §5, without padding.
    private static func base64URL(_ bytes: [UInt8]) -> String {
        Base64.encode(bytes).replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}

/// A person who has signed in with `gcloud auth application-default login`.
struct UserAccount: GoogleAccount {
    private let clientID: String
    private let clientSecret: String
    private let refreshToken: String
    private let tokenAddress: ArtifactURL
    private let quotaProject: String?

    init(_ fields: JSONFields, _ hosts: GoogleHosts, universe: String) throws(CredentialsError) {
        clientID = try fields.requiredSecret("client_id")
        clientSecret = try fields.requiredSecret("client_secret")
        refreshToken = try fields.requiredSecret("refresh_token")
        let address = try fields.text("token_uri") ?? "\(hosts.address(of: "oauth2", in: universe))/token"
        tokenAddress = try hosts.address(address, named: "token_uri of \(fields.place)")
        quotaProject = try fields.text("quota_project_id")
    }

    func load(_ context: AccountContext) async throws -> GCSCredentials {
        let grant = try await context.tokens.grant(tokenAddress, secrets: [clientSecret, refreshToken]) {
            [
                ("grant_type", "refresh_token"), ("client_id", clientID), ("client_secret", clientSecret),
                ("refresh_token", refreshToken),
            ]
        }
        return GCSCredentials(
            .token(grant.token), signer: nil, expires: grant.expires, quotaProject: quotaProject, owner: "a person who has signed in")
    }
}

/// A service account that another identity acts as.
struct ImpersonatedAccount: GoogleAccount {
    let source: any GoogleAccount
    let impersonation: Impersonation

    func load(_ context: AccountContext) async throws -> GCSCredentials {
        try await impersonation.load(from: try await source.load(context), context)
    }
}
