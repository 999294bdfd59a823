public import MirrorCore
public import MirrorSettings
public import MirrorStorage

/// A collection on a WebDAV server, and how it is reached.
public struct WebDAVPoolSettings: StorageSettings {
    /// The collection that the pool is kept in.
    public var url: ArtifactURL
    /// `nil` if the server asks for nothing.
    public var login: Login?
    /// The same collection as clients reach it; `nil` for ``url``.
    public var publicURL: ArtifactURL?

    /// What requests carry as basic authentication (RFC 7617).
    public struct Login: Sendable, Equatable {
        public var username: String
        public var password: Secret

        public init(username: String, password: Secret) {
            self.username = username
            self.password = password
        }
    }

    public init(url: ArtifactURL, login: Login? = nil, publicURL: ArtifactURL? = nil) {
        self.url = url
        self.login = login
        self.publicURL = publicURL
    }

    public func clash(with other: WebDAVPoolSettings, called name: String) -> SettingsClash? {
        url == other.url ? SettingsClash(key: "url", message: "is already the collection of \(name)") : nil
    }

    public var plainHTTPKey: String? { url.scheme == .http ? "url" : nil }
}

extension WebDAVPoolSettings {
    /// Reads the keys of a pool. Every key is asked for whatever the others say, because the same calls write the reference.
    ///
    /// - Returns: `nil` after recording a problem.
    static func read(_ section: SettingsReader) -> WebDAVPoolSettings? {
        let url = section.required(
            "url", .collection, example: "https://files.example.org/mirror/",
            doc: "The collection that the pool is kept in. It must be there; each pool has its own.")
        let login = Login.read(section)
        var publicURL: ArtifactURL?
        section.value(
            "publicURL", &publicURL, .collection, defaultNote: "url", example: "https://mirror.example.org/",
            doc: "The same collection as clients reach it, where that is another way: a CDN, a proxy, a name without a login.")
        guard let url else { return nil }
        let settings = WebDAVPoolSettings(url: url, login: login, publicURL: publicURL)
        if let key = settings.plainHTTPKey {
            section.warn("uses plain HTTP: anyone on the network path can read and change what is copied, and read the password", key: key)
        }
        return settings
    }
}

extension WebDAVPoolSettings.Login {
    fileprivate static func read(_ section: SettingsReader) -> WebDAVPoolSettings.Login? {
        var username: String?
        section.value("username", &username, .username, example: "mirror", doc: "Who the mirror is to the server.")
        var password: Secret?
        section.value("password", &password, .token, example: "\"${WEBDAV_PASSWORD}\"", doc: "The password of `username`.")
        var file: String?
        section.value(
            "passwordFile", &file, .path, example: "/etc/cloud-mirror/webdav-password",
            doc: "A file with the password as its one line, in place of `password`.")
        if let file {
            if section.has("password") { section.report("cannot be combined with password; keep one of them", key: "passwordFile") }
            password = section.readSecret("passwordFile", file)
        }
        let hasPassword = section.has("password") || section.has("passwordFile")
        if section.has("username") != hasPassword {
            section.report(
                hasPassword ? "is missing; write username: NAME" : "is missing; write password: \"${NAME}\", or passwordFile",
                key: hasPassword ? "username" : "password")
        }
        guard let username, let password else { return nil }
        return WebDAVPoolSettings.Login(username: username, password: password)
    }
}
