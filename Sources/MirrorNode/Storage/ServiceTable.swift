import Logging
import MirrorCore
import MirrorEngine
import MirrorNet
import MirrorStorage
import NIOCore

/// The services that a configuration uses, each created once. Opens, sets up and closes pools, and reads origins.
struct ServiceTable: Sendable {
    private let services: [any StorageService]
    private let operations: Int
    /// How long replicas of each pool can stay without a use.
    private let lives: [PoolID: Duration]

    init(_ configuration: Configuration, group: any EventLoopGroup, clock: any MirrorClock = SystemClock(), logger: Logger) {
        let environment = ServiceEnvironment(
            eventLoopGroup: group, clock: clock, logger: logger, operations: configuration.poolOperations, outbound: configuration.outbound)
        operations = environment.operations
        lives = configuration.pools.reduce(into: [:]) { $0[$1.id] = configuration.longestLife(in: $1) }
        services = configuration.services.all.compactMap { $0.make(configuration, environment) }
    }

    func close() async {
        for service in services { await service.close() }
    }

    /// - Throws: ``StorageError`` if the pool can never work on this machine.
    func open(_ pool: Configuration.Pool) async throws -> (store: any ObjectStore, operations: Int) {
        for service in services {
            if let store = try await service.openAny(pool, description(of: pool)) { return (store, service.operations ?? operations) }
        }
        throw StorageError(.unsupported, "this version has no \(pool.id.service) pools", operation: "open")
    }

    /// - Returns: `nil` if there is nothing to set up.
    func setup(of pool: Configuration.Pool) -> (any StorageSetup)? {
        for service in services {
            if let setup = service.setupAny(pool, description(of: pool)) { return setup }
        }
        return nil
    }

    private func description(of pool: Configuration.Pool) -> PoolDescription {
        PoolDescription(id: pool.id, timeToLive: lives[pool.id] ?? pool.retention.timeToLive, minFreeBytes: pool.retention.minFreeBytes)
    }

    func origins(_ configured: [Configuration.Origin]) -> [any BucketOrigin] {
        configured.flatMap { origin in services.compactMap { $0.anyOrigin(origin) } }
    }
}

extension StorageService {
    /// - Returns: `nil` if the configuration does not use the service.
    fileprivate static func make(_ configuration: Configuration, _ environment: ServiceEnvironment) -> Self? {
        let pools = configuration.pools.compactMap { settings(of: $0) }
        let origins = configuration.origins.buckets.compactMap { settings(of: $0) }
        return pools.isEmpty && origins.isEmpty ? nil : Self(pools: pools, origins: origins, environment: environment)
    }

    /// - Returns: `nil` for another service's pool; the same applies below.
    private static func settings(of pool: Configuration.Pool) -> PoolSettings? {
        pool.id.service == name ? pool.settings as? PoolSettings : nil
    }

    private static func settings(of origin: Configuration.Origin) -> OriginSettings? {
        origin.service == name ? origin.settings as? OriginSettings : nil
    }

    fileprivate func openAny(_ pool: Configuration.Pool, _ description: PoolDescription) async throws -> (any ObjectStore)? {
        guard let settings = Self.settings(of: pool) else { return nil }
        return try await open(settings, as: description)
    }

    fileprivate func setupAny(_ pool: Configuration.Pool, _ description: PoolDescription) -> (any StorageSetup)? {
        Self.settings(of: pool).flatMap { setup(of: $0, as: description) }
    }

    fileprivate func anyOrigin(_ configured: Configuration.Origin) -> (any BucketOrigin)? {
        Self.settings(of: configured).map { origin($0) }
    }
}

extension Configuration {
    /// Concurrent operations of one pool: every part of every copy, and the same number for clients.
    fileprivate var poolOperations: Int { max(64, 2 * copy.concurrency * copy.partConcurrency) }
}
