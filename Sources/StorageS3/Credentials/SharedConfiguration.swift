import StorageCloud

/// The profiles in the two files that the AWS tools share, and the one to use.
struct SharedConfiguration: Sendable {
    /// What determines the files and the profile.
    struct Settings: Sendable {
        var environment: [String: String]
        var files: CredentialFiles
        /// From the mirror's configuration; overrides `AWS_PROFILE`.
        var profile: String?
    }

    /// One of the two files.
    struct Part: Sendable {
        /// `nil` if unknown, because `HOME` is not set.
        let path: String?
        let profiles: [String: [String: String]]
        /// Why it has no profiles, for messages.
        let absence: String?
    }

    let config: Part
    let credentials: Part
    /// The profile to use.
    let profile: String
    /// Whether the profile was named explicitly.
    let isProfileNamed: Bool

    /// - Throws: `.invalid` if a file cannot be parsed, or one that a variable names cannot be read.
    init(_ settings: Settings) throws(CredentialsError) {
        let environment = settings.environment
        config = try Self.part("AWS_CONFIG_FILE", ".aws/config", settings) { $0.configProfiles }
        credentials = try Self.part("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", settings) { $0.sections }
        let named = settings.profile ?? environment.value("AWS_PROFILE") ?? environment.value("AWS_DEFAULT_PROFILE")
        profile = named ?? "default"
        isProfileNamed = named != nil
    }

    /// The values of a profile from both files; those in the credentials file win.
    ///
    /// - Returns: `nil` if neither file has the profile.
    func values(of profile: String) -> [String: String]? {
        guard let first = config.profiles[profile] else { return credentials.profiles[profile] }
        return first.merging(credentials.profiles[profile] ?? [:]) { _, second in second }
    }

    /// The values of the profile to use.
    ///
    /// - Throws: `.invalid` if the profile was named explicitly but does not exist.
    func values() throws(CredentialsError) -> [String: String]? {
        let values = values(of: profile)
        if values == nil, isProfileNamed {
            throw CredentialsError(.invalid, "there is no profile \(profile): \(absence(of: profile))")
        }
        return values
    }

    /// Why a profile does not exist, for messages.
    func absence(of profile: String) -> String {
        let inConfig = profile == "default" ? "[default]" : "[profile \(profile)]"
        return [(config, inConfig), (credentials, "[\(profile)]")].map { part, section in
            part.absence ?? "\(part.path ?? "") has no \(section)"
        }.joined(separator: ", ")
    }

    private static func part(
        _ variable: String, _ defaultPath: String, _ settings: Settings, _ profiles: (SharedConfigFile) -> [String: [String: String]]
    ) throws(CredentialsError) -> Part {
        let home = settings.environment.value("HOME")
        let named = settings.environment.value(variable)
        guard let path = named.map({ expand($0, home: home) }) ?? home.map({ "\($0)/\(defaultPath)" }) else {
            return Part(path: nil, profiles: [:], absence: "neither \(variable) nor HOME is set")
        }
        switch settings.files.read(path) {
        case .missing: return Part(path: path, profiles: [:], absence: "\(path) does not exist")
        case .unreadable(let reason):
            // Services often run with a home directory that they cannot read, and with credentials from elsewhere.
            guard named == nil else { throw CredentialsError(.invalid, "\(path) (\(variable)) cannot be read: \(reason)") }
            return Part(path: path, profiles: [:], absence: "\(path) cannot be read: \(reason)")
        case .bytes(let bytes):
            guard let text = String(validating: bytes, as: UTF8.self) else { throw CredentialsError(.invalid, "\(path) is not UTF-8") }
            do {
                return Part(path: path, profiles: profiles(try SharedConfigFile(text)), absence: nil)
            } catch {
                throw error.prefixed(path)
            }
        }
    }

    private static func expand(_ path: String, home: String?) -> String {
        guard let home, path == "~" || path.hasPrefix("~/") else { return path }
        return home + path.dropFirst()
    }
}
