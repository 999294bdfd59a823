import MirrorCore
import StorageCloud

/// The variables that the Azure CLI reads for a storage account: `AZURE_STORAGE_CONNECTION_STRING`, `AZURE_STORAGE_KEY` or
/// `AZURE_STORAGE_SAS_TOKEN`, with `AZURE_STORAGE_ACCOUNT`.
struct AccountSource: CredentialsSource {
    let environment: [String: String]
    /// The account of the pool or origin: another account's key is useless.
    let account: String

    let name = "account in the environment"

    private static let connection = "AZURE_STORAGE_CONNECTION_STRING"
    private static let key = "AZURE_STORAGE_KEY"
    private static let token = "AZURE_STORAGE_SAS_TOKEN"

    func look() async throws -> CredentialsFinding<AzureCredentials> {
        if let text = environment.value(Self.connection) { return try look(inConnection: text) }
        let (key, token) = (environment.value(Self.key), environment.value(Self.token))
        guard key != nil || token != nil else {
            return .absent("none of \(Self.connection), \(Self.key) and \(Self.token) is set")
        }
        if let other = environment.value("AZURE_STORAGE_ACCOUNT"), other != account {
            return .absent("AZURE_STORAGE_ACCOUNT is \(other), and not \(account)")
        }
        if let key { return .found(try credentials(key: key, of: Self.key)) }
        return .found(try credentials(token: token ?? "", of: Self.token))
    }

    /// `AccountName=…;AccountKey=…;EndpointSuffix=…`
    func look(inConnection text: String) throws(CredentialsError) -> CredentialsFinding<AzureCredentials> {
        let source = Self.connection
        var fields: [String: String] = [:]
        for item in text.split(separator: ";") {
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else {
                throw CredentialsError(.invalid, "\(source) is not a list of NAME=VALUE with semicolons between them")
            }
            fields[parts[0].drop { $0 == " " }.lowercased()] = String(parts[1])
        }
        // With a signature, only the addresses say whose it is.
        if let other = fields["accountname"] ?? Self.account(at: fields["blobendpoint"]), other != account {
            return .absent("\(source) is of the account \(other), and not of \(account)")
        }
        if let key = fields["accountkey"] { return .found(try credentials(key: key, of: "AccountKey in \(source)")) }
        if let token = fields["sharedaccesssignature"] {
            return .found(try credentials(token: token, of: "SharedAccessSignature in \(source)"))
        }
        throw CredentialsError(.invalid, "\(source) has neither an AccountKey nor a SharedAccessSignature")
    }

    /// - Returns: `nil` for an address outside Microsoft's clouds.
    private static func account(at endpoint: String?) -> String? {
        guard let url = endpoint.flatMap({ try? ArtifactURL($0) }), AzureCloud(host: url.host) != nil else { return nil }
        return url.host.split(separator: ".").first.map(String.init)
    }

    private func credentials(key: String, of place: String) throws(CredentialsError) -> AzureCredentials {
        guard let key = SharedKey(account: account, base64: key) else {
            throw CredentialsError(.invalid, "\(place) is not the key of a storage account, which is base64")
        }
        return AzureCredentials(key: key)
    }

    private func credentials(token: String, of place: String) throws(CredentialsError) -> AzureCredentials {
        guard let token = AzureSASToken(token) else {
            throw CredentialsError(.invalid, "\(place) is not a SAS token, which has sig= and sv=")
        }
        return AzureCredentials(signature: token)
    }
}
