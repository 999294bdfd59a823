package import Logging
package import MirrorCore
package import MirrorState
import ServiceLifecycle

/// Registers this process as a copier, and renews the registration until the process stops.
///
/// On graceful shutdown it unregisters at once, so that other processes take over its jobs.
package struct CopierRegistration: Service, CustomStringConvertible {
    private let registry: any CopierRegistry
    private let name: String
    private let pools: Set<PoolID>
    private let life: Duration
    private let clock: any MonotonicClock
    private let logger: Logger

    /// For the log of the services, which would otherwise show everything that is reachable from here.
    package var description: String { "CopierRegistration" }

    /// - Parameter life: How long a registration lasts without being renewed.
    package init(
        registry: any CopierRegistry, name: String, pools: Set<PoolID>, life: Duration, clock: any MonotonicClock, logger: Logger
    ) {
        self.registry = registry
        self.name = name
        self.pools = pools
        self.life = life
        self.clock = clock
        self.logger = logger
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var isSaid = true
            while !Task.isCancelled {
                do {
                    try await registry.register(copier: name, pools: pools, life: life)
                    isSaid = true
                } catch {
                    // Logged once, not every few seconds while the state is unavailable.
                    if isSaid, !Task.isCancelled {
                        logger.warning("cannot register as a copier; front ends may copy as well", metadata: ["error": "\(error)"])
                    }
                    isSaid = false
                }
                try? await clock.sleep(for: life / 4)
            }
        }
        // If this fails, the registration expires by itself.
        try? await uncancelled { try await registry.unregister(copier: name, pools: pools) }
    }
}
