/// The configuration of a mirror under test; the paths are those of its directory.
struct MirrorSettings {
    /// URL prefixes.
    var allow: [String]
    var requireHTTPS = false
    var token = "an-admin-token-of-a-test"
    var maxWait = "20s"
    /// So that a wait is one answer's, unless a test is about hops.
    var hop = "60s"
    var hops = 0
    /// Entries of `redirect.clients`, as YAML: `{userAgent: …}`.
    var clients: [String] = []
    var negativeLife = "30s"
    /// Further keys of `redirect`: `coldClaims: {burst: 2}`.
    var redirectOptions: [String] = []
    var partSize = "1MiB"
    var partConcurrency = 4
    var maxAttempts = 3
    var idleTimeout = "10s"
    var maxBackoff = "20ms"
    var lease = "5s"
    var shutdownGrace = "10s"
    /// `server.idleTimeout`.
    var patience = "75s"
    var maxConnections = 10_000
    /// Further keys of `server`, each after a comma: `, proxyProtocol: true`.
    var serverOptions = ""
    /// Further keys of `copy`: `concurrency: 2`.
    var copyOptions: [String] = []
    /// Further keys of `local/dev`, each after a comma: `, retention: {maxBytes: 1MiB}`.
    var poolOptions = ""
    var pool = "pool"
    var state = "state"
    var logLevel = "debug"
    /// Further keys of `log`, each after a comma: `, redirects: /…`.
    var logOptions = ""
    /// Beside `local/dev`, as YAML: `s3/eu-central-1: {bucket: …}` on a line each.
    var morePools: [String] = []
    /// Entries of `origins.s3`, as YAML: `{bucket: …}`.
    var buckets: [String] = []
    /// Other lists of `origins`, a line each: `gcs: [{bucket: …}]`.
    var moreOrigins: [String] = []
    var sweepInterval = "60s"
    /// `nil` makes redirects to copies relative, because the port is the system's choice.
    var publicURL: String?
    /// In place of the token.
    var adminKeys: String?
    /// More keys of the file, a line each.
    var more: [String] = []

    init(allow: [String]) {
        self.allow = allow
    }

    /// - Parameter directory: Where the pool and the state are.
    func yaml(in directory: String) -> String {
        """
        listen: 127.0.0.1:0
        \(publicURL.map { "publicURL: \($0)" } ?? "")
        stateDirectory: \(directory)/\(state)
        admin: {\(adminKeys ?? "tokens: [\(token)]")}
        origins:
          allow: [\(allow.joined(separator: ", "))]
          requireHTTPS: \(requireHTTPS)
          allowAddresses: [127.0.0.0/8]
          s3: [\(buckets.joined(separator: ", "))]
          \(moreOrigins.joined(separator: "\n  "))
        pools:
          local/dev: {directory: \(directory)/\(pool)\(poolOptions)}
          \(morePools.joined(separator: "\n  "))
        sweep: {interval: \(sweepInterval)}
        redirect:
          maxWait: \(maxWait)
          hop: \(hop)
          hops: \(hops)
          clients: [\(clients.joined(separator: ", "))]
          negativeLife: \(negativeLife)
          \(redirectOptions.joined(separator: "\n  "))
        copy:
          partSize: \(partSize)
          partConcurrency: \(partConcurrency)
          maxAttempts: \(maxAttempts)
          idleTimeout: \(idleTimeout)
          lease: \(lease)
          backoff: {first: 1ms, max: \(maxBackoff)}
          \(copyOptions.joined(separator: "\n  "))
        server: {shutdownGrace: \(shutdownGrace), idleTimeout: \(patience), maxConnections: \(maxConnections)\(serverOptions)}
        log: {level: \(logLevel)\(logOptions)}
        \(more.joined(separator: "\n"))

        """
    }
}
