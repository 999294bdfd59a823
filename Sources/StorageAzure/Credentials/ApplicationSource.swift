import StorageCloud

/// An application of Entra ID: `AZURE_TENANT_ID` and `AZURE_CLIENT_ID` with `AZURE_CLIENT_SECRET` or `AZURE_CLIENT_CERTIFICATE_PATH`.
struct ApplicationSource: CredentialsSource {
    let environment: [String: String]
    let files: CredentialFiles
    let tokenService: EntraTokenService

    let name = "application in the environment"

    func look() async throws -> CredentialsFinding<AzureCredentials> {
        let secret = environment.value("AZURE_CLIENT_SECRET")
        let path = environment.value("AZURE_CLIENT_CERTIFICATE_PATH")
        guard secret != nil || path != nil else {
            return .absent("neither AZURE_CLIENT_SECRET nor AZURE_CLIENT_CERTIFICATE_PATH is set")
        }
        guard let tenantID = environment.value("AZURE_TENANT_ID"), let clientID = environment.value("AZURE_CLIENT_ID") else {
            throw CredentialsError(.invalid, "AZURE_TENANT_ID or AZURE_CLIENT_ID is not set, and an application is named by both")
        }
        let client = try EntraTokenService.Client(
            tenantID: tenantID, clientID: clientID, names: ("AZURE_TENANT_ID", "AZURE_CLIENT_ID"))
        if let secret { return .found(try await tokenService.token(for: client, by: .secret(secret))) }
        return .found(try await Self.token(for: client, certificateAt: path ?? "", files, tokenService))
    }

    /// Read again each time: the file is replaced before the certificate expires.
    static func token(
        for client: EntraTokenService.Client, certificateAt path: String, _ files: CredentialFiles, _ tokenService: EntraTokenService
    ) async throws -> AzureCredentials {
        let certificate = try await CredentialsError.prefixing(path) {
            try ClientCertificate(pem: try files.text(path, of: "the certificate"))
        }
        return try await tokenService.token(for: client, by: .certificate(certificate))
    }
}
