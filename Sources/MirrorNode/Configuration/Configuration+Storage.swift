package import MirrorCore
package import MirrorStorage

extension Configuration {
    /// One pool.
    package struct Pool: Sendable, Equatable {
        package let id: PoolID
        /// Of the service that the name begins with.
        package let settings: any StorageSettings
        /// Where it is on a file system of this machine: an absolute path; `nil` for a pool that other machines can read, too.
        package let directory: String?
        package var retention: Retention

        package init<Service: StorageService>(
            id: PoolID, _ settings: Service.PoolSettings, of service: Service.Type, retention: Retention = Retention()
        ) {
            self.id = id
            self.settings = settings
            directory = service.directory?(settings)
            self.retention = retention
        }

        /// Whether both keep their objects at the same place, by the same way.
        func isSamePlace(as other: Pool) -> Bool { settings.isEqual(to: other.settings) }

        package static func == (one: Pool, other: Pool) -> Bool {
            one.id == other.id && one.isSamePlace(as: other) && one.retention == other.retention
        }
    }

    /// A place that artifacts are read from with credentials of the mirror's own.
    package struct Origin: Sendable, Equatable {
        /// The service's name.
        package let service: String
        package let settings: any StorageSettings

        package static func == (one: Origin, other: Origin) -> Bool {
            one.service == other.service && one.settings.isEqual(to: other.settings)
        }
    }
}
