import StorageCloud

/// A document with credentials in a file. Read again each time, because it may be replaced while the process runs.
struct AccountFileSource: CredentialsSource {
    /// For messages.
    let name: String
    /// `nil` where none is named.
    let path: String?
    /// Why there is none, where none is named; `nil` if the file must be there.
    let absence: String?
    let context: AccountContext

    /// The file of the configuration.
    static func configured(_ path: String, _ context: AccountContext) -> AccountFileSource {
        AccountFileSource(name: "credentials file", path: path, absence: nil, context: context)
    }

    /// What `GOOGLE_APPLICATION_CREDENTIALS` names.
    static func environment(_ context: AccountContext) -> AccountFileSource {
        let variable = "GOOGLE_APPLICATION_CREDENTIALS"
        let path = context.environment.value(variable)
        return AccountFileSource(
            name: variable, path: path, absence: path == nil ? "\(variable) is not set" : nil, context: context)
    }

    /// What `gcloud auth application-default login` writes.
    static func wellKnown(_ context: AccountContext) -> AccountFileSource {
        let environment = context.environment
        let directory = environment.value("CLOUDSDK_CONFIG") ?? environment.value("HOME").map { "\($0)/.config/gcloud" }
        return AccountFileSource(
            name: "application default credentials", path: directory.map { "\($0)/application_default_credentials.json" },
            absence: directory == nil ? "HOME is not set" : "there is no such file in \(directory ?? "")", context: context)
    }

    func look() async throws -> CredentialsFinding<GCSCredentials> {
        guard let path else { return .absent(absence ?? "no file is named") }
        let bytes: [UInt8]
        switch context.files.read(path) {
        case .bytes(let content): bytes = content
        case .missing:
            if let absence { return .absent(absence) }
            throw CredentialsError(.invalid, "\(path) does not exist")
        case .unreadable(let reason): throw CredentialsError(.invalid, "\(path) cannot be read: \(reason)")
        }
        let account = try AccountDocument.parse(bytes, of: path, hosts: context.hosts)
        return .found(try await account.load(context))
    }
}
