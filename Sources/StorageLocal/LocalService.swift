package import MirrorCore
package import MirrorSettings
package import MirrorStorage

/// Pools in directories on this machine: `local/…`.
package struct LocalService: StorageService {
    package static let name = "local"
    package static let poolDocumentation = PoolDocumentation(region: "dev", doc: "A directory on this machine.")
    package static let capabilities: [(variant: String?, capabilities: StoreCapabilities)] = [(nil, LocalStore.capabilities)]
    package static let directory: (@Sendable (LocalPoolSettings) -> String)? = { $0.directory }

    private let environment: ServiceEnvironment

    package init(pools: [LocalPoolSettings], origins: [NoOrigin], environment: ServiceEnvironment) {
        self.environment = environment
    }

    package static func readPool(_ section: SettingsReader, of pool: PoolID) -> LocalPoolSettings? {
        let directory = section.required(
            "directory", .path, example: "/var/lib/cloud-mirror/pools/dev",
            doc: "Directory for the objects; created if it does not exist. Each pool needs a directory of its own.")
        return directory.map { LocalPoolSettings(directory: $0) }
    }

    /// A disk has no rate limit of its own: this limits descriptors and threads.
    package var operations: Int? { 4_096 }

    package func open(_ pool: LocalPoolSettings, as description: PoolDescription) async throws -> any ObjectStore {
        try await LocalStore.open(
            directory: pool.directory, region: description.id.region, minFreeBytes: description.minFreeBytes, clock: environment.clock,
            logger: environment.logger)
    }
}

/// A pool in a directory.
package struct LocalPoolSettings: StorageSettings {
    /// An absolute path.
    package var directory: String

    package init(directory: String) {
        self.directory = directory
    }

    package func clash(with other: LocalPoolSettings, called name: String) -> SettingsClash? {
        let clash = { SettingsClash(key: "directory", message: $0) }
        if directory == other.directory { return clash("is already the directory of \(name)") }
        if directory.isPath(below: other.directory) { return clash("is inside the directory of \(name)") }
        if other.directory.isPath(below: directory) { return clash("contains the directory of \(name)") }
        return nil
    }
}
