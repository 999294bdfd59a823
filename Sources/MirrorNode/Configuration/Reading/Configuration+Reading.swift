import MirrorCore
import MirrorEngine
import MirrorNet
import MirrorServer
import MirrorSettings
import MirrorStorage
import NIOSSL

// Every key that there is, with its limits and its meaning. docs/configuration.md and config/cloud-mirror.example.yaml are written from
// these calls: after a change run `make docs`, or the two `cloud-mirror generate` commands.
extension Configuration {
    /// Reads the keys of a file.
    ///
    /// - Parameter stateDirectory: What the command line says, which overrides the file.
    init(_ reader: SettingsReader, services: StorageServices, stateDirectory override: String?) {
        self.init(services: services, stateDirectory: override ?? Self.defaultStateDirectory(reader.context.environment))
        reader.value("listen", &listen, .listenAddress, doc: "Address to listen on; port 0 lets the system choose one.")
        reader.value(
            "publicURL", &publicURL, .baseURL, defaultNote: "derived from listen", example: "https://mirror.example.org",
            doc: "The URL by which clients reach this service. Redirects to local pools begin with it.")
        reader.value(
            "stateDirectory", &stateDirectory, .path, defaultNote: "$XDG_STATE_HOME/cloud-mirror, else ~/.local/state/cloud-mirror",
            example: "/var/lib/cloud-mirror", doc: "Directory for the service's own data; `--state-dir` overrides it.")
        if let override { stateDirectory = override }
        readTLS(reader)
        reader.section("admin", doc: "Admin calls: purging, warming, and listing what is stored where.") { admin.read($0, main: listen) }
        reader.section("origins", doc: "What the mirror may fetch. It fetches nothing else.") { origins.read($0, services) }
        let named = readPools(reader)
        reader.section("redirect", doc: "How requests for artifacts are answered.") { redirect = RedirectConfiguration($0) }
        reader.section("copy", doc: "How artifacts are copied into pools.") { copy = CopyConfiguration($0) }
        readState(reader)
        reader.section("selection", doc: "How a pool is chosen for a request that does not name one.") {
            selection = PoolSelector($0, pools: named)
        }
        reader.section("sweep", doc: "Finding and deleting replicas that are no longer worth keeping.") { section in
            section.value(
                "interval", &sweep.interval, .duration(in: .seconds(1)...hours(24)), doc: "Time between two sweeps.")
        }
        reader.section("server", doc: "Limits of the listeners.") { server = ServerConfiguration($0) }
        reader.section("log", doc: "The log, on standard error.") { section in
            section.value("level", &log.level, .logLevel, doc: "The lowest severity that is logged.")
            section.value(
                "format", &log.format, .choice(), doc: "`auto` writes text to a terminal, and otherwise one JSON object per line.")
        }
    }

    private mutating func readTLS(_ reader: SettingsReader) {
        reader.optionalSection("tls", doc: "HTTPS on the listeners. Without this section they speak HTTP.") { section in
            let certificate = section.required(
                "certificate", .path, example: "/etc/cloud-mirror/cert.pem", doc: "PEM file: the certificate, then its chain.")
            let key = section.required(
                "key", .path, example: "/etc/cloud-mirror/key.pem", doc: "PEM file: the private key, without a passphrase.")
            let chain = certificate.flatMap { section.readCertificates("certificate", $0) }
            let privateKey = key.flatMap { section.readPrivateKey("key", $0) }
            guard let certificate, let key, let chain, let privateKey else { return }
            let tls = TLS(certificate: certificate, key: key, chain: chain, privateKey: privateKey)
            do {
                _ = try NIOSSLContext(configuration: tls.server)
                self.tls = tls
            } catch {
                section.report("does not match the certificate in \(certificate), or is of a type that cannot be used", key: "key")
            }
        }
    }

    private mutating func readState(_ reader: SettingsReader) {
        var path = "\(stateDirectory)/state.sqlite"
        var redis: Redis?
        var hasPath = false
        reader.section("state", doc: "Where replicas and copy jobs are recorded. Losing it costs time, never artifacts.") { section in
            section.section("sqlite", doc: "An embedded database, for one machine.") { section in
                hasPath = section.has("path")
                section.value(
                    "path", &path, .path, defaultNote: "state.sqlite in the state directory", example: "/var/lib/cloud-mirror/state.sqlite",
                    doc: "The database file; created if it does not exist.")
            }
            section.optionalSection(
                "redis",
                doc:
                    "Redis 7.0 or later, for several machines, in place of `sqlite`. (Valkey speaks the same protocol, but has not "
                    + "been tested.)"
            ) { redis = .read($0) }
            if redis != nil, hasPath { section.report("cannot be combined with redis; keep one of them", key: "sqlite") }
        }
        state = redis.map { .redis($0) } ?? .sqlite(path: path)
        if redis != nil {
            for pool in pools where pool.directory != nil {
                reader.report(
                    "\(pool.id) is a directory on one machine, but state.redis is for several machines; use object storage", key: "pools")
            }
        } else if copy.frontEnd == .never {
            reader.report("copy.frontEnd is never, but without state.redis no other process can copy", key: "copy")
        }
    }
}

extension Configuration.Admin {
    /// Bytes of a file of tokens that are read.
    private static let maxTokensFile = 65_536
    /// Characters; shorter tokens can be guessed.
    private static let shortToken = 16

    fileprivate mutating func read(_ reader: SettingsReader, main: ListenAddress) {
        reader.value(
            "listen", &listen, .listenAddress, defaultNote: "the main listener", example: "127.0.0.1:9090",
            doc: "A separate listener for admin calls, so that a firewall can restrict access to it.")
        if let listen, listen == main, listen.port != 0 {
            reader.report("is the address of the main listener; leave the key out to share it", key: "listen")
        }
        reader.list(
            "tokens", &tokens, .token, example: "[\"${CLOUD_MIRROR_ADMIN_TOKEN}\"]",
            doc:
                "Tokens for admin calls; each call must send one of them as `Authorization: Bearer …`. Without a token, only `localToken` "
                + "allows admin calls."
        )
        var file: String?
        reader.value(
            "tokensFile", &file, .path, example: "/etc/cloud-mirror/tokens",
            doc: "File with more tokens, one per line; empty lines and lines that begin with `#` are ignored.")
        reader.value(
            "localToken", &localToken, .boolean,
            doc:
                "Create an additional token at each start, and store it in the file `admin-token-HOST:PORT` in the state directory, "
                + "with mode 0600. It lets `cloud-mirror purge` and similar commands work on this machine, for the service's account and "
                + "for root."
        )
        warn(of: tokens, key: "tokens", reader)
        if let file { readTokens(file, reader) }
    }

    private func warn(of found: [Secret], key: String, _ reader: SettingsReader) {
        if found.contains(where: { $0.value.utf8.count < Self.shortToken }) {
            reader.warn(
                "a token is shorter than \(Self.shortToken) characters and could be guessed; `openssl rand -hex 16` makes a stronger one",
                key: key)
        }
        let values = found.map(\.value)
        if Set(values).count < values.count {
            reader.warn("a token is listed twice; give each user a token of its own, so that one can be revoked", key: key)
        }
    }

    private mutating func readTokens(_ file: String, _ reader: SettingsReader) {
        guard let content = reader.readFile("tokensFile", file, limit: Self.maxTokensFile, isSecret: true) else { return }
        let lines = content.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") })
        var found: [Secret] = []
        for line in lines {
            let text = String(decoding: line, as: UTF8.self).trimmed
            guard !text.isEmpty, !text.hasPrefix("#") else { continue }
            do {
                found.append(try SettingKind.token.parse(text, reader.context))
            } catch {
                reader.report("a token in the file \(error.message)", key: "tokensFile")
            }
        }
        if found.isEmpty { reader.report("the file contains no tokens", key: "tokensFile") }
        warn(of: found, key: "tokensFile", reader)
        if found.contains(where: { token in tokens.contains { $0.value == token.value } }) {
            reader.warn("a token in the file is also in admin.tokens; keep it in one place", key: "tokensFile")
        }
        tokens += found
    }
}

extension Configuration.Retention {
    /// - Parameter hasDirectory: Whether the pool is on a file system of this machine.
    mutating func read(_ reader: SettingsReader, hasDirectory: Bool) {
        reader.value(
            "timeToLive", &timeToLive, .duration(in: .seconds(1)...days(3_650)), doc: "How long a replica is kept after its last use.")
        var bytes: Int64?
        reader.value(
            "maxBytes", &bytes, .size(in: 1...(1 << 60)), none: "none",
            defaultNote: hasDirectory
                ? "\(Configuration.shareOfDisk)% of the file system, shared by the pools on it that have no `maxBytes`" : nil,
            example: "500GiB",
            doc:
                "The most that the pool may hold, including copies in progress. Before more is copied, the least recently used "
                + "replicas are deleted."
        )
        maxBytes = bytes.map { .bytes($0) } ?? (hasDirectory && !reader.has("maxBytes") ? .shareOfDisk : .none)
        if hasDirectory {
            reader.value(
                "minFreeBytes", &minFreeBytes, .size(in: 0...(1 << 60)),
                doc:
                    "Space that must stay free on the pool's file system, whoever fills it. Before a copy would take that space, the "
                    + "least recently used replicas are deleted; if that is not enough, the copy is not made."
            )
        }
        reader.value(
            "grace", &grace, .duration(in: .zero...days(7)),
            doc:
                "How long a replica that is marked for deletion is kept, so that a client that was just redirected to it still gets "
                + "its artifact.")
    }
}
