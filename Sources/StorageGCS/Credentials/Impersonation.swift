import MirrorCore
import StorageCloud

/// Acts as a service account, by the right to create tokens for it.
///
/// - SeeAlso: IAM Service Account Credentials API, `generateAccessToken`.
struct Impersonation: Sendable {
    /// The address of the account.
    let account: String
    private let tokenAddress: ArtifactURL
    private let signAddress: ArtifactURL
    /// The accounts in between, each with the right for the next.
    private let delegates: [String]
    /// How long the token is to last.
    private let seconds: Int64

    private static let tokenCall = ":generateAccessToken"
    private static let path = "/v1/projects/-/serviceAccounts/"

    /// - Parameter address: `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/ACCOUNT:generateAccessToken`
    /// - Parameter seconds: `nil` for an hour.
    init(address: String, delegates: [String] = [], seconds: Int64? = nil, hosts: GoogleHosts) throws(CredentialsError) {
        let name = "service_account_impersonation_url"
        let url = try hosts.address(address, named: name)
        guard url.query == nil, url.path.hasPrefix(Self.path), url.path.hasSuffix(Self.tokenCall),
            let account = PercentCoding.decode(url.path.dropFirst(Self.path.count).dropLast(Self.tokenCall.count)), Self.isAccount(account)
        else { throw CredentialsError(.invalid, "\(name) is not the address of an account's generateAccessToken") }
        let seconds = seconds ?? 3_600
        guard (600...43_200).contains(seconds) else {
            throw CredentialsError(.invalid, "token_lifetime_seconds is not a number from 600 to 43200")
        }
        self.account = account
        tokenAddress = url
        signAddress = try hosts.address("\(url.service)\(url.path.dropLast(Self.tokenCall.count)):signBlob", named: name)
        self.delegates = delegates
        self.seconds = seconds
    }

    /// - Parameter account: The address of an account.
    init(account: String, hosts: GoogleHosts) throws(CredentialsError) {
        guard Self.isAccount(account) else { throw CredentialsError(.invalid, "the account to impersonate is not the address of one") }
        try self.init(address: "\(hosts.address(of: "iamcredentials"))\(Self.path)\(account)\(Self.tokenCall)", hosts: hosts)
    }

    /// Whether it looks like the address or the number of a service account: it becomes part of a path.
    static func isAccount(_ text: String) -> Bool {
        (1...256).contains(text.utf8.count) && text.utf8.first != UInt8(ascii: ".")
            && text.utf8.allSatisfy { PercentCoding.isUnreserved($0) || $0 == UInt8(ascii: "@") }
    }

    /// - Parameter source: The credentials of an identity that may create tokens for the account.
    func load(from source: GCSCredentials, _ context: AccountContext) async throws -> GCSCredentials {
        guard let token = source.token else { throw CredentialsError(.invalid, "an account cannot be impersonated with HMAC keys") }
        var body: [String: JSONValue] = [
            "scope": .array([.string(GoogleTokenService.scope)]), "lifetime": .string("\(seconds)s"),
        ]
        if !delegates.isEmpty { body["delegates"] = .array(delegates.map { .string($0) }) }
        let grant = try await CredentialsError.prefixing("impersonation of \(account)") {
            try await context.tokens.call(tokenAddress, token: token, body: .object(body)) { answer in
                let fields = try JSONFields(answer.body, of: "the answer of \(tokenAddress.service)")
                guard let expires = context.tokens.expiry(try fields.requiredText("expireTime"), answer) else {
                    throw CredentialsError(.invalid, "expireTime of \(fields.place) is not a time in RFC 3339 format")
                }
                return GoogleTokenService.Grant(token: try fields.requiredSecret("accessToken"), expires: expires)
            }
        }
        return GCSCredentials(
            .token(grant.token),
            signer: .service(BlobSigning(account: account, address: signAddress, token: token, delegates: delegates)),
            // The source's token signs addresses.
            expires: min(grant.expires, source.expires ?? grant.expires), quotaProject: source.quotaProject, owner: account)
    }
}
