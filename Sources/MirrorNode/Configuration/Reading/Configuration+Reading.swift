import MirrorCore
import MirrorEngine
import MirrorNet
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
        reader.section("redirect", doc: "How requests for artifacts are answered.") { redirect.read($0) }
        reader.section("copy", doc: "How artifacts are copied into pools.") { copy.read($0) }
        readState(reader)
        reader.section("selection", doc: "How a pool is chosen for a request that does not name one.") { selection.read($0, pools: named) }
        reader.section("sweep", doc: "Finding and deleting replicas that are no longer worth keeping.") { section in
            section.value(
                "interval", &sweep.interval, .duration(in: .seconds(1)...hours(24)), doc: "Time between two sweeps.")
        }
        reader.section("server", doc: "Limits of the listeners.") { server.read($0) }
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

extension Configuration.Origins {
    fileprivate mutating func read(_ reader: SettingsReader, _ services: StorageServices) {
        let exception = services.originKeys.isEmpty ? "" : " May be left out where \(services.originKeyWords) has an entry."
        let rules = reader.requiredList(
            "allow", unless: services.originKeys, type: "list of URL prefixes, or {prefix or pattern, query}",
            example: "\n- https://artifacts.example.org/builds/\n- pattern: '^https://s3\\.us-west-2\\.amazonaws\\.com/public-artifacts/'",
            doc:
                "The artifacts that may be fetched. An entry is a URL prefix, compared by scheme, host, port and path, or an anchored "
                + "pattern whose host is written out. `query` says which part of a URL's query belongs to the artifact's name; the first "
                + "entry that matches decides. `drop-signatures` (the default) is everything but the parameters of a signature, so that "
                + "URLs that are signed anew each time name one artifact; `keep` is the whole query; `drop` is nothing; a list of names, "
                + "such as `[version, arch]`, is only those parameters. The origin is always sent the whole query. Where anyone may send "
                + "requests, list the parameters that the origin knows; otherwise each made-up parameter makes another artifact. Set "
                + "`keep` where a signature decides who may read: without it in the name, clients that have none are redirected to the "
                + "copy, too.\(exception)"
        ) { element -> (rule: EgressPolicy.AllowRule, element: SettingsElement)? in
            guard element.isMapping else { return element.value(.originPrefix, instead: "remove it").map { ($0, element) } }
            var rule: EgressPolicy.AllowRule?
            element.section { rule = .read($0) }
            return rule.map { ($0, element) }
        }
        allow = rules.map(\.rule)
        var places: [(origin: Configuration.Origin, section: SettingsReader)] = []
        for service in services.all { Self.readPlaces(of: service, reader, &places) }
        buckets = places.map(\.origin)
        reader.value(
            "requireHTTPS", &requireHTTPS, .boolean,
            doc: "Refuse plain HTTP, on every hop of a redirect chain. Turn this off for tests only."
        )
        for (rule, element) in rules {
            // The policy itself says what a rule may be.
            do { _ = try EgressPolicy(allow: [rule], requireHTTPS: requireHTTPS) } catch { error.problems.forEach(element.report) }
        }
        for (origin, section) in places where requireHTTPS {
            guard let key = origin.settings.plainHTTPKey else { continue }
            section.report("uses plain HTTP, but origins.requireHTTPS is true", key: key)
        }
        reader.list(
            "allowAddresses", &allowAddresses, .network,
            doc:
                "Networks that may be fetched from even though their addresses are private, loopback or otherwise not public, such as "
                + "`[10.20.0.0/16]`.")
        reader.value(
            "maxRedirects", &maxRedirects, .integer(in: 0...20),
            doc: "Maximum number of redirects to follow from an origin; each hop must be allowed, too.")
    }

    /// Reads the list of a service that can be an origin.
    private static func readPlaces<Service: StorageService>(
        of service: Service.Type, _ reader: SettingsReader, _ places: inout [(origin: Configuration.Origin, section: SettingsReader)]
    ) {
        guard let documentation = service.originDocumentation else { return }
        reader.sectionList(service.name, type: documentation.type, example: documentation.example, doc: documentation.doc) { section in
            guard let settings = service.readOrigin(section) else { return }
            let others = places.filter { $0.origin.service == service.name }
            for other in others {
                if let clash = settings.anyClash(with: other.origin.settings, called: "another") {
                    return section.report("is already in the list", key: clash.key)
                }
            }
            places.append((Configuration.Origin(service: service.name, settings: settings), section))
        }
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

extension Configuration.Redirect {
    private static let maxClients = 100
    private static let hopLength = SettingKind<Duration>.duration(in: .seconds(1)...minutes(10))
    /// Clients follow some fifty redirects at most.
    private static let hopCount = SettingKind<Int>.integer(in: 0...50)

    fileprivate mutating func read(_ reader: SettingsReader) {
        reader.value(
            "maxWait", &maxWait, .duration(in: .zero...hours(1)),
            doc:
                "How long a request waits for a copy, over all its hops, before it is redirected to the origin. No single answer is "
                + "delayed that long: see `hop`.")
        reader.value(
            "hop", &hop, Self.hopLength,
            doc:
                "How long one answer is delayed for a client that is not in any table; then the client is redirected to this service "
                + "again. Keep this below the timeouts of clients and proxies.")
        reader.value(
            "hops", &hops, Self.hopCount,
            doc: "How often such a client is redirected to this service again before it is redirected to the origin.")
        reader.sectionList(
            "clients", type: "list of {userAgent, hop, hops}", example: "[{userAgent: my-downloader/, hop: 50s, hops: 3}]",
            doc:
                "The same for clients that are recognized by the beginning of a word in their `User-Agent`, ignoring case. The first "
                + "entry that matches decides; the built-in table in docs/request-handling.md comes after these entries."
        ) { section in
            let userAgent = section.required("userAgent", .userAgent, example: "my-downloader/", doc: "")
            var patience = Patience(hop: hop, hops: hops)
            section.value("hop", &patience.hop, Self.hopLength, doc: "")
            section.value("hops", &patience.hops, Self.hopCount, doc: "")
            guard let userAgent else { return }
            clients.append(ClientTable.Family(userAgent: userAgent, patience: patience))
            if clients.count == Self.maxClients + 1 {
                section.report("exceeds the limit of \(Self.maxClients) entries", key: "userAgent")
            }
        }
        reader.value(
            "waitLimit", &waitLimit, .duration(in: .zero...hours(1)), doc: "The longest wait that a request may ask for with `?wait=`.")
        reader.value(
            "lookLimit", &lookLimit, .duration(in: .milliseconds(100)...minutes(1)),
            doc:
                "How long the state, the pool and the credentials may take to determine the answer before a request is redirected to "
                + "the origin. A pool that answers nothing for this long is not consulted for client requests until it answers again.")
        reader.value(
            "negativeLife", &negativeLife, .duration(in: .zero...hours(24)),
            doc: "How long an origin's refusal (404, 403, …) is passed on to clients without asking the origin again.")
        reader.value(
            "maxWaiting", &maxWaiting, .integer(in: 0...1_000_000),
            doc:
                "Requests that may wait at the same time, at most a quarter of them from one client network and three quarters from "
                + "one IPv6 /48. Further requests are redirected to the origin at once.")
        reader.section(
            "coldClaims",
            doc:
                "How much one client network (an IPv4 address, or the /64 of an IPv6 address, determined as for `selection`) may "
                + "request that is not there yet; an IPv6 /48 may request three times as much. Beyond that, the client is redirected to "
                + "the origin at once. Artifacts that are there, or are already being copied for another client, cost nothing."
        ) { section in
            section.value(
                "perSecond", &coldClaims.perSecond, .integer(in: 0...1_000_000),
                doc: "Artifacts per second, in the long run; 0 sets no limit.")
            section.value(
                "burst", &coldClaims.burst, .integer(in: 1...10_000_000),
                doc:
                    "Artifacts that a network may request at once after a quiet period: as many as a large build behind one address "
                    + "needs.")
            section.value(
                "bytesPerMinute", &coldClaims.bytesPerMinute, .size(in: 0...(1 << 50)),
                doc:
                    "Bytes per minute of the copies that a network has started. A copy is charged when it is done; a network that has "
                    + "exceeded the limit may not start more copies until it has made up for that. 0B sets no limit.")
        }
        reader.value("status", &status, .choice(), doc: "The status of a redirect.")
    }
}

extension Configuration.Copy {
    fileprivate mutating func read(_ reader: SettingsReader) {
        reader.value("concurrency", &concurrency, .integer(in: 1...1_024), doc: "Maximum number of copies in progress at the same time.")
        reader.value(
            "maxPerOrigin", &maxPerOrigin, .integer(in: 1...1_024), defaultNote: "half of concurrency", example: "8",
            doc:
                "How many of these copies may be from one origin (scheme, host and port), so that a slow origin does not hold up the "
                + "others.")
        reader.value(
            "minRate", &minRate, .size(in: 0...(1 << 30)),
            doc:
                "Bytes per second that an origin must send over `minRateWindow`. After two windows the average must be twice that, "
                + "after three windows three times, and so on. A slower copy gives up its slot; 0B lets every copy keep its slot.")
        reader.value(
            "minRateWindow", &minRateWindow, .duration(in: .seconds(1)...hours(1)), doc: "The period over which the rate is measured.")
        reader.value(
            "slowConcurrency", &slowConcurrency, .integer(in: 0...1_024),
            doc:
                "Slow copies that may continue in addition to `concurrency` others. When there are more and other copies are waiting, "
                + "the slowest is postponed.")
        reader.value(
            "partSize", &partSize, .size(in: (1 << 20)...(1 << 30)),
            doc:
                "Bytes that are fetched and stored at a time. For object storage this is at most an eighth of `memory`, and at least "
                + "the smallest part that the service accepts."
        )
        reader.value(
            "partConcurrency", &partConcurrency, .integer(in: 1...64), doc: "Parts of one copy that are in progress at the same time.")
        reader.value(
            "memory", &memory, .size(in: (16 << 20)...(1 << 40)),
            doc: "Bytes of memory for the parts of all copies into object storage; copies wait for their turn.")
        reader.value("maxAttempts", &maxAttempts, .integer(in: 1...100), doc: "Attempts at one copy before giving up.")
        reader.value(
            "maxObjectSize", &maxObjectSize, .size(in: 1...(1 << 50)),
            doc: "Larger artifacts are not copied; clients are redirected to the origin.")
        reader.value(
            "refuseHTML", &refuseHTML, .boolean,
            doc:
                "Do not keep a web page that an origin sends in place of an archive, a package or the like (`.zip`, `.whl`, `.tar.gz`, "
                + "…); clients are redirected to the origin."
        )
        reader.value(
            "idleTimeout", &idleTimeout, .duration(in: .seconds(1)...hours(1)),
            doc: "How long a transfer may receive no data before it counts as failed.")
        reader.value(
            "connectTimeout", &connectTimeout, .duration(in: .milliseconds(100)...minutes(5)),
            doc: "Time limit for connecting to an origin.")
        reader.value(
            "lease", &lease, .duration(in: .seconds(1)...minutes(10)),
            doc: "How long a copier may be silent before its job is given to another.")
        reader.value(
            "maxQueued", &maxQueued, .integer(in: 1...100_000_000),
            doc: "Copies that may be queued; clients that ask for more are redirected to the origin.")
        reader.value(
            "maxQueuedPerOrigin", &maxQueuedPerOrigin, .integer(in: 1...100_000_000), defaultNote: "a tenth of maxQueued", example: "10000",
            doc:
                "How many of these copies may be from one origin (scheme, host and port), in each pool, so that one origin does not "
                + "fill the queue for the others."
        )
        reader.value(
            "frontEnd", &frontEnd, .choice(),
            doc:
                "Whether `serve` makes copies itself: `auto` does so for pools that no live `cloud-mirror copier` serves; `never` "
                + "requires `state.redis` and copiers."
        )
        reader.section("backoff", doc: "The wait between attempts at one copy, doubled each time, with jitter.") { section in
            section.value("first", &backoff.first, .duration(in: .milliseconds(1)...minutes(10)), doc: "The wait after the first attempt.")
            section.value("max", &backoff.max, .duration(in: .milliseconds(1)...hours(24)), doc: "The longest wait.")
            if backoff.max < backoff.first {
                section.report("must not be shorter than first, which is \(DurationFormat.text(backoff.first))", key: "max")
            }
        }
    }
}

extension Configuration.Selection {
    fileprivate mutating func read(_ reader: SettingsReader, pools: [PoolID]) {
        networks = reader.map(
            "networks", named: .network, .pool(among: pools), example: "{10.1.0.0/16: local/dev}",
            doc: "Client networks and the pool of each; the longest prefix that contains the client's address decides."
        ).map { Configuration.NetworkRule(network: $0, pool: $1) }
        reader.list(
            "trustedProxies", &trustedProxies, .network,
            doc: "Proxies whose `X-Forwarded-For` is trusted when a client's address is determined, such as `[10.0.0.0/8]`.")
        reader.value(
            "default", &fallback, .fallback(among: pools), defaultNote: "the pool if there is only one, else origin",
            example: "origin",
            doc: "The pool for all other clients; `origin` redirects them to the origin.")
    }
}

extension Configuration.Server {
    fileprivate mutating func read(_ reader: SettingsReader) {
        reader.value(
            "maxConnections", &maxConnections, .integer(in: 1...1_000_000),
            doc: "Maximum number of open connections; further ones have to wait.")
        reader.value(
            "maxConnectionsPerAddress", &maxConnectionsPerAddress, .integer(in: 1...1_000_000),
            defaultNote: "a quarter of maxConnections", example: "2500",
            doc:
                "How many of these connections one client may have: an IPv4 address, or an IPv6 /64; an IPv6 /48 may have three times "
                + "as many. Further ones are closed at once. This machine and `selection.trustedProxies` may have all of them.")
        reader.value(
            "idleTimeout", &idleTimeout, .duration(in: .seconds(1)...hours(1)),
            doc: "How long a client may send no request, and read nothing of what it was sent, before its connection is closed.")
        reader.value(
            "bodyTimeout", &bodyTimeout, .duration(in: .seconds(1)...hours(1)),
            doc: "How long a client may take to send the body of a request, plus a second for each 16 KiB of it.")
        reader.value(
            "maxHeaderBytes", &maxHeaderBytes, .size(in: (8 << 10)...(64 << 10)),
            doc: "Maximum size of a request's first line and header fields together.")
        reader.value(
            "shutdownGrace", &shutdownGrace, .duration(in: .zero...hours(1)),
            doc: "How long requests and copies in progress may continue after the service is told to stop.")
    }
}

private func minutes(_ count: Int) -> Duration { .seconds(60 * count) }
private func hours(_ count: Int) -> Duration { .seconds(3_600 * count) }
private func days(_ count: Int) -> Duration { .seconds(86_400 * count) }
