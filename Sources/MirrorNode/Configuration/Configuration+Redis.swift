package import MirrorSettings
package import NIOSSL
package import RedisClient
import StateRedis

extension Configuration {
    /// A Redis server or cluster that many processes share.
    package struct Redis: Sendable, Equatable {
        package var url: RedisURL
        /// Precedes every key; letters, digits, `-`, `_`, `.`, `:`.
        package var prefix = "cloud-mirror"
        package var password: Secret?
        package var sentinelPassword: Secret?
        /// The authorities that the servers' certificates are verified against; `nil` for the system's.
        package var certificateAuthority: [NIOSSLCertificate]?
        /// How long a call may take.
        package var timeout: Duration = RedisConfiguration.defaultTimeout
        /// How long hot redirects are still answered from memory while Redis cannot be reached.
        package var staleLife: Duration = .seconds(3_600)

        /// How the servers are reached.
        package var client: RedisConfiguration {
            var client = url.client
            if let password { client.password = password.value }
            if let sentinelPassword { client.sentinelPassword = sentinelPassword.value }
            client.commandTimeout = timeout
            client.connectionWait = timeout
            if let certificateAuthority { client.tls?.trustRoots = .certificates(certificateAuthority) }
            return client
        }
    }

    /// The address of a Redis server. The text may contain a password.
    package struct RedisURL: Sendable, Equatable, CustomReflectable {
        package let text: Secret
        let client: RedisConfiguration

        static let invalid = RedisURL(text: Secret(""), client: RedisConfiguration(addresses: []))

        package init(_ text: String) throws(RedisURLError) {
            self.init(text: Secret(text), client: try RedisConfiguration(url: text))
        }

        private init(text: Secret, client: RedisConfiguration) {
            self.text = text
            self.client = client
        }

        package var customMirror: Mirror { Mirror(self, children: []) }

        package static func == (one: RedisURL, other: RedisURL) -> Bool { one.text == other.text }
    }
}

extension Configuration.Redis {
    /// - Returns: `nil` after recording a problem.
    static func read(_ reader: SettingsReader) -> Configuration.Redis? {
        let url = reader.required(
            "url", .redisURL, example: "\"rediss://mirror:${REDIS_PASSWORD}@redis.example.org:6379/0\"",
            doc:
                "The URL of the server: `redis://[user:password@]host[:port][/database]`, `rediss://…` with TLS, "
                + "`redis+sentinel://host:port,host:port/name-of-the-master[/database]`, `redis+cluster://host:port,host:port`; "
                + "`rediss+sentinel` and `rediss+cluster` with TLS. `%` and reserved URL characters in the user and the password must be "
                + "percent-encoded.")
        // Without a valid URL, the other keys are read only to report what is wrong with them.
        var redis = Configuration.Redis(url: url ?? .invalid)
        reader.value(
            "prefix", &redis.prefix, .redisPrefix, doc: "Prefix of every key and channel, so that several mirrors can share a server.")
        readSecrets(reader, &redis, url?.client)
        readAuthority(reader, &redis, url?.client)
        reader.value(
            "timeout", &redis.timeout, .duration(in: .milliseconds(20)...(.seconds(10))),
            doc: "How long a request waits for Redis before it continues without it: answered from memory, or redirected to the origin.")
        reader.value(
            "staleLife", &redis.staleLife, .duration(in: .zero...(.seconds(7 * 86_400))),
            doc:
                "How long redirects in memory stay in use while Redis cannot be reached. A purge made on another process in the meantime "
                + "is not seen."
        )
        return url == nil ? nil : redis
    }

    private static func readSecrets(_ reader: SettingsReader, _ redis: inout Configuration.Redis, _ client: RedisConfiguration?) {
        var (file, sentinelFile): (String?, String?)
        reader.value(
            "passwordFile", &file, .path, example: "/etc/cloud-mirror/redis-password",
            doc: "File with the password on a single line, in place of a password in the URL.")
        reader.value(
            "sentinelPasswordFile", &sentinelFile, .path, example: "/etc/cloud-mirror/sentinel-password",
            doc: "The same for the sentinels, if they require a password of their own.")
        if let file { redis.password = reader.readSecret("passwordFile", file) }
        if let sentinelFile { redis.sentinelPassword = reader.readSecret("sentinelPasswordFile", sentinelFile) }
        guard let client else { return }
        if client.username != nil, client.password == nil, file == nil {
            reader.report(
                "has a user but no password: write user:password@ (:password@ for the default user), or set passwordFile", key: "url")
        }
        if file != nil, client.password != nil {
            reader.report("cannot be combined with the password in the URL; keep one of them", key: "passwordFile")
        }
        if sentinelFile != nil, !client.hasSentinels {
            reader.report("is set, but the URL names no sentinels: write redis+sentinel://, or remove it", key: "sentinelPasswordFile")
        }
    }

    private static func readAuthority(_ reader: SettingsReader, _ redis: inout Configuration.Redis, _ client: RedisConfiguration?) {
        var file: String?
        reader.value(
            "certificateAuthority", &file, .path, defaultNote: "the system's",
            example: "/etc/cloud-mirror/redis-ca.pem",
            doc: "PEM file with the certificates that the servers' certificates are verified against.")
        guard let file else { return }
        redis.certificateAuthority = reader.readCertificates("certificateAuthority", file)
        if let client, client.tls == nil {
            reader.report(
                "is set, but the URL does not use TLS: write rediss:// (rediss+sentinel://, rediss+cluster://)", key: "certificateAuthority"
            )
        }
    }
}

extension RedisConfiguration {
    fileprivate var hasSentinels: Bool {
        if case .sentinel = topology { true } else { false }
    }
}

extension SettingKind where Value == Configuration.RedisURL {
    /// The URL of a Redis server, which may contain a password.
    static var redisURL: Self {
        SettingKind(
            name: "URL", isSecret: true,
            parse: { (text, _) throws(InvalidValue) in
                do throws(RedisURLError) {
                    return try Configuration.RedisURL(text)
                } catch {
                    throw InvalidValue("is not a Redis URL: \(error)")
                }
            }, text: { _ in "" })
    }
}

extension SettingKind where Value == String {
    /// A prefix of keys. It may not contain braces, which would hide the hash tag.
    static var redisPrefix: Self {
        SettingKind(
            name: "name",
            parse: { (text, _) throws(InvalidValue) in
                guard RedisStateStore.isPrefix(text) else {
                    throw InvalidValue("is not a valid prefix; write 1 to 64 letters, digits and - _ . :")
                }
                return text
            }, text: { $0 })
    }
}
