import MirrorCore
import MirrorEngine
import MirrorNet
import MirrorServer
import MirrorSettings
import MirrorTracing

// The keys of the file. Each section is read beside the type that holds its settings, here or in a module below (`<Type>+Settings.swift`).
// docs/configuration.md and config/cloud-mirror.example.yaml are generated from these calls: after a change run `make docs`, or the two
// `cloud-mirror generate` commands.
extension Configuration {
    /// Reads the keys of a file.
    ///
    /// - Parameter stateDirectory: From the command line; overrides the file.
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
        readRetention(reader)
        let named = readPools(reader)
        reader.section("redirect", doc: "How requests for artifacts are answered.") { redirect = RedirectConfiguration($0) }
        reader.section("copy", doc: "How artifacts are copied into pools.") { copy = CopyConfiguration($0) }
        readState(reader)
        reader.section("selection", doc: "How a pool is chosen for a request that does not name one.") {
            selection = SelectionConfiguration($0, pools: named, requireHTTPS: origins.policy.requireHTTPS)
        }
        reader.section("sweep", doc: "Finding and deleting replicas that are no longer worth keeping.") { section in
            section.value(
                "interval", &sweep.interval, .duration(in: .seconds(1)...hours(24)), doc: "Time between two sweeps.")
        }
        reader.section("server", doc: "The listeners and their limits.") { section in
            server = ServerConfiguration(section)
            guard server.proxyProtocol, selection.trustedProxies.isEmpty else { return }
            section.report("needs selection.trustedProxies: only a trusted proxy may name a client", key: "proxyProtocol")
        }
        reader.section("log", doc: "The log, on standard error.") { section in
            section.value("level", &log.level, .choice(), doc: "The lowest severity that is logged.")
            section.value(
                "format", &log.format, .choice(), doc: "`auto` writes text to a terminal, and otherwise one JSON object per line.")
            section.value(
                "redirects", &log.redirects, .logPlace, example: "/var/lib/cloud-mirror/redirects.log",
                doc:
                    "File to which each GET of an artifact is appended as one JSON object: `time`, `client` (its network, not its address), `artifact` "
                    + "(without its query), `pool`, `bytes`, `outcome` and `seconds`. `cloud-mirror plan` reads it. SIGHUP opens it anew. `stdout` is the "
                    + "standard output.")
        }
        reader.optionalSection(
            "tracing",
            doc: "Traces of requests, copies and sweeps, sent to an OpenTelemetry collector. Without this section nothing is traced."
        ) { tracing = TracingConfiguration.read($0) }
    }
}
