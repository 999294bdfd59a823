package import MirrorSettings

/// Where credentials for an account come from.
package enum AzureCredentialSettings: Sendable, Hashable {
    /// Looked up the way Azure's tools and SDKs do: environment, workload identity, managed identity.
    case chain
    /// The account's key, in base64.
    case key(Secret)
    /// A shared access signature, as it stands in a query.
    case signature(Secret)
    /// An application of Entra ID with a secret.
    case client(tenantID: String, clientID: String, secret: Secret)
    /// The same with a certificate, whose file has the private key, too.
    case certificate(tenantID: String, clientID: String, file: String)
    /// The identity of the machine or of the App Service.
    ///
    /// - Parameter clientID: `nil` for the system-assigned identity.
    case managedIdentity(clientID: String?)
    /// Requests are not signed.
    case anonymous

    /// For people.
    var words: String {
        switch self {
        case .chain: "found as Azure's tools find them"
        case .key, .signature, .client, .certificate: "of the configuration"
        case .managedIdentity: "of a managed identity"
        case .anonymous: "anonymous"
        }
    }

    /// Whether URLs for clients can be signed with them. A shared access signature itself must not be given to clients: it allows more.
    var canSign: Bool {
        switch self {
        case .signature, .anonymous: false
        case .chain, .key, .client, .certificate, .managedIdentity: true
        }
    }
}

extension AzureCredentialSettings {
    private static let forms = "anonymous, managedIdentity, {accountKey}, {sasToken}, or {tenantID, clientID, clientSecret}"

    static func read(_ reader: SettingsReader) -> AzureCredentialSettings {
        let element = reader.custom(
            "credentials",
            type:
                "anonymous, managedIdentity, {accountKey or accountKeyFile}, {sasToken or sasTokenFile}, {managedIdentityClientID}, or "
                + "{tenantID, clientID, and one of clientSecret, clientSecretFile, clientCertificateFile}",
            defaultNote: "looked up the way Azure's tools do",
            example: "{tenantID: \"${MIRROR_TENANT_ID}\", clientID: \"${MIRROR_CLIENT_ID}\", clientSecret: \"${MIRROR_CLIENT_SECRET}\"}",
            doc:
                "If left out, credentials are looked up the way Azure's tools and SDKs do: an account key, a SAS token or an application "
                + "in the environment, workload identity, managed identity. `managedIdentity` uses only the machine's own identity; "
                + "`anonymous` signs nothing.")
        guard let element else { return .chain }
        guard element.isMapping else {
            switch element.plainText {
            case "anonymous": return .anonymous
            case "managedIdentity": return .managedIdentity(clientID: nil)
            default:
                element.report("must be \(forms)")
                return .anonymous
            }
        }
        var source = AzureCredentialSettings.chain
        element.section { source = readKeys($0) ?? .chain }
        return source
    }

    private static func readKeys(_ reader: SettingsReader) -> AzureCredentialSettings? {
        var accountKey: Secret?
        var keyFile: String?
        var signature: Secret?
        var signatureFile: String?
        var tenantID: String?
        var clientID: String?
        var secret: Secret?
        var secretFile: String?
        var certificateFile: String?
        var identity: String?
        reader.value("accountKey", &accountKey, .accountKey, doc: "")
        reader.value("accountKeyFile", &keyFile, .path, doc: "")
        reader.value("sasToken", &signature, .sasToken, doc: "")
        reader.value("sasTokenFile", &signatureFile, .path, doc: "")
        reader.value("tenantID", &tenantID, .tenantID, doc: "")
        reader.value("clientID", &clientID, .clientID, doc: "")
        reader.value("clientSecret", &secret, .token, doc: "")
        reader.value("clientSecretFile", &secretFile, .path, doc: "")
        reader.value("clientCertificateFile", &certificateFile, .path, doc: "")
        reader.value("managedIdentityClientID", &identity, .clientID, doc: "")

        let ways = [
            ["accountKey", "accountKeyFile"], ["sasToken", "sasTokenFile"],
            ["clientSecret", "clientSecretFile", "clientCertificateFile"], ["managedIdentityClientID"],
        ]
        let given = ways.flatMap { $0 }.filter(reader.has)
        guard let first = given.first else {
            reader.report("has no credentials; write \(forms), or leave it out")
            return nil
        }
        for key in given.dropFirst() { reader.report("cannot be combined with \(first); keep one of them", key: key) }
        switch first {
        case "accountKey": return accountKey.map { .key($0) }
        case "accountKeyFile": return read(first, keyFile, .accountKey, reader).map { .key($0) }
        case "sasToken": return signature.map { .signature($0) }
        case "sasTokenFile": return read(first, signatureFile, .sasToken, reader).map { .signature($0) }
        case "managedIdentityClientID": return identity.map { .managedIdentity(clientID: $0) }
        default: break
        }
        for key in ["tenantID", "clientID"] where !reader.has(key) {
            reader.report("is missing; an application is named by its tenant and its client ID", key: key)
        }
        guard let tenantID, let clientID else { return nil }
        switch first {
        case "clientSecret": return secret.map { .client(tenantID: tenantID, clientID: clientID, secret: $0) }
        case "clientSecretFile":
            let found = secretFile.flatMap { reader.readSecret(first, $0) }
            return found.map { .client(tenantID: tenantID, clientID: clientID, secret: $0) }
        default: return certificateFile.map { .certificate(tenantID: tenantID, clientID: clientID, file: $0) }
        }
    }

    /// A secret with its own format, in a file of one line.
    private static func read(_ key: String, _ file: String?, _ kind: SettingKind<Secret>, _ reader: SettingsReader) -> Secret? {
        guard let file, let secret = reader.readSecret(key, file) else { return nil }
        do throws(InvalidValue) {
            return try kind.parse(secret.value, reader.context)
        } catch {
            reader.report("the secret in the file \(error.message)", key: key)
            return nil
        }
    }
}
