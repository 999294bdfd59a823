/// What a ``Fleet`` is made of.
struct FleetSettings: Sendable {
    var frontEnds = 2
    /// Dedicated ones, each for all pools.
    var copiers = 2
    /// Regions of S3 pools: `s3/one`.
    var pools = ["s3/one"]
    /// Whether the front ends get `--no-copiers`.
    var isSplit = true
    /// `copy.frontEnd`; `nil` leaves it out.
    var copyInFrontEnd: String?
    /// Where single front ends reach Redis, by their numbers; the others and the copiers reach it where all do.
    var redisOfFrontEnd: [Int: String] = [:]
    /// Further keys of `state.redis`, each after a comma: `, timeout: 1s`.
    var redisOptions = ""
    /// Those of single front ends, in place of these.
    var redisOptionsOfFrontEnd: [Int: String] = [:]
    /// `state.redis.prefix`; `nil` is a name of the fleet's own.
    var redisPrefix: String?
    var maxWait = "8s"
    var hop = "60s"
    var hops = 0
    var lease = "2s"
    var shutdownGrace = "3s"
    var token = "an-admin-token-of-a-test"
    /// That of a named origin, `index`, which is the fleet's; `nil` for none.
    var preset: String?

    /// How long a job of a copier that is gone may stay with it.
    var leaseDuration: Duration { .seconds(Int(lease.dropLast()) ?? 0) }

    /// - Parameters:
    ///   - origin: The beginning of the artifacts' URLs.
    ///   - pools: Each pool's line.
    ///   - redis: The keys of `state.redis`.
    func yaml(origin: String, pools: [String], redis: String, stateDirectory: String) -> String {
        """
        listen: 127.0.0.1:0
        stateDirectory: \(stateDirectory)
        admin: {tokens: [\(token)]}
        origins:
          allow: [\(origin)]
          requireHTTPS: false
          allowAddresses: [127.0.0.0/8]
          \(preset.map { "named: {index: {url: \"\(origin)\", preset: \($0)}}" } ?? "")
        pools:
          \(pools.joined(separator: "\n  "))
        state: {redis: {\(redis)}}
        redirect: {maxWait: \(maxWait), hop: \(hop), hops: \(hops), negativeLife: 1s}
        copy:
          partSize: 5MiB
          maxAttempts: 4
          idleTimeout: 10s
          lease: \(lease)
          backoff: {first: 1ms, max: 20ms}
          \(copyInFrontEnd.map { "frontEnd: \($0)" } ?? "")
        server: {shutdownGrace: \(shutdownGrace)}
        log: {level: debug}

        """
    }
}
