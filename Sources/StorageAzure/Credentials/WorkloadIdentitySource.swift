import StorageCloud

/// A token of an issuer that an application trusts, as in AKS pods: `AZURE_FEDERATED_TOKEN_FILE`, `AZURE_TENANT_ID` and
/// `AZURE_CLIENT_ID`.
struct WorkloadIdentitySource: CredentialsSource {
    let environment: [String: String]
    let files: CredentialFiles
    let tokenService: EntraTokenService

    let name = "workload identity"

    /// Bytes.
    private static let maxTokenLength = 64 << 10

    func look() async throws -> CredentialsFinding<AzureCredentials> {
        guard let path = environment.value("AZURE_FEDERATED_TOKEN_FILE") else { return .absent("AZURE_FEDERATED_TOKEN_FILE is not set") }
        guard let tenantID = environment.value("AZURE_TENANT_ID"), let clientID = environment.value("AZURE_CLIENT_ID") else {
            throw CredentialsError(.invalid, "AZURE_TENANT_ID or AZURE_CLIENT_ID is not set, and an application is named by both")
        }
        let client = try EntraTokenService.Client(
            tenantID: tenantID, clientID: clientID, names: ("AZURE_TENANT_ID", "AZURE_CLIENT_ID"))
        // Read again each time: the token does not live as long as the process, and the file is replaced.
        return .found(try await tokenService.token(for: client, by: .assertion(try token(at: path))))
    }

    private func token(at path: String) throws(CredentialsError) -> String {
        let text = try files.text(path, of: "the token file")
        let words = text.split(whereSeparator: \.isWhitespace)
        guard let token = words.first, words.count == 1, token.utf8.count <= Self.maxTokenLength,
            token.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { throw CredentialsError(.invalid, "the token file \(path) does not hold a token") }
        return String(token)
    }
}
