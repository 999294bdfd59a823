import Logging
package import MirrorCore
import MirrorSettings
package import MirrorStorage
import NIOPosix

/// Sets up and checks the pools of a configuration, without serving them.
package struct PoolSetup: Sendable {
    private let pools: [Configuration.Pool]
    private let configuration: Configuration
    private let machine: MachineCheck
    private let services: ServiceTable
    private let logger: Logger

    /// - Parameter only: `nil` for all pools.
    /// - Throws: ``StartError`` if there is no such pool.
    package init(_ configuration: Configuration, only: PoolID?) throws {
        pools = configuration.pools.filter { only == nil || $0.id == only }
        if pools.isEmpty, let only {
            let known = configuration.pools.map(\.id.description).joined(separator: ", ")
            throw StartError("the configuration has no pool \(only); it has \(known)")
        }
        self.configuration = configuration
        machine = MachineCheck(configuration)
        // The caller reports problems in its own words.
        logger = Logger(label: "cloud-mirror", factory: { _ in SwiftLogNoOpLogHandler() })
        services = ServiceTable(configuration, group: MultiThreadedEventLoopGroup.singleton, logger: logger)
    }

    package func close() async {
        await services.close()
    }

    // MARK: Setting up

    /// Plans the setup of each pool and changes nothing.
    package func plans() async throws -> [(pool: PoolID, plan: SetupPlan)] {
        var plans: [(pool: PoolID, plan: SetupPlan)] = []
        for pool in pools { plans.append((pool.id, try await plan(pool))) }
        return plans
    }

    private func plan(_ pool: Configuration.Pool) async throws -> SetupPlan {
        guard let setup = services.setup(of: pool) else {
            let text = pool.directory == nil ? "there is nothing to set up" : "a directory, which the service creates when it starts"
            return SetupPlan(lines: [SetupLine(.ok, text)])
        }
        do { return try await setup.plan() } catch let error as StorageError {
            return SetupPlan(lines: [SetupLine(.problem, error.message)])
        }
    }

    // MARK: Checking

    /// Warnings about the file, and findings that concern several pools: one line each.
    package func checkTogether() -> (lines: [SetupLine], isFine: Bool) {
        let findings = machine.sharedDisks()
        return (
            configuration.warnings.map { SetupLine(.warning, $0.description) } + findings.map(\.line),
            findings.allSatisfy { $0.severity == .warning }
        )
    }

    /// Checks everything that the pools need.
    ///
    /// - Parameter report: Called with each line as soon as it is known.
    /// - Returns: Whether nothing is wrong.
    package func check(report: (PoolID, SetupLine) -> Void) async throws -> Bool {
        var isFine = true
        for pool in pools {
            let isPoolFine =
                if let setup = services.setup(of: pool) {
                    try await setup.check { report(pool.id, $0) }
                } else if pool.directory != nil {
                    checkDirectory(pool) { report(pool.id, $0) }
                } else {
                    try await checkHealth(pool) { report(pool.id, $0) }
                }
            isFine = isFine && isPoolFine
        }
        return isFine
    }

    private func checkDirectory(_ pool: Configuration.Pool, report: (SetupLine) -> Void) -> Bool {
        let findings = machine.pool(pool)
        for finding in findings { report(finding.line) }
        if findings.isEmpty {
            let size = configuration.maxBytes(of: pool).map { "; it may hold \(ByteSizeFormat.rounded($0))" } ?? ""
            report(SetupLine(.ok, "a writable directory on this machine\(size)"))
        }
        return findings.allSatisfy { $0.severity == .warning }
    }

    /// The only check for a service that has no checks of its own.
    private func checkHealth(_ pool: Configuration.Pool, report: (SetupLine) -> Void) async throws -> Bool {
        do {
            try await services.open(pool).store.checkHealth()
            report(SetupLine(.ok, "the service answers"))
            return true
        } catch let error as StorageError {
            report(SetupLine(.error, error.message))
            return false
        }
    }
}
