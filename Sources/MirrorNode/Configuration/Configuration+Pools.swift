package import MirrorCore
package import MirrorEngine
import MirrorSettings
package import MirrorStorage

extension Configuration {
    /// One pool.
    package struct Pool: Sendable, Equatable {
        package let id: PoolID
        /// Of the service that the pool's name begins with.
        package let settings: any StorageSettings
        /// Its directory on a file system of this machine, as an absolute path; `nil` for a pool that other machines can read, too.
        package let directory: String?
        package var retention: RetentionConfiguration

        package init<Service: StorageService>(
            id: PoolID, _ settings: Service.PoolSettings, of service: Service.Type,
            retention: RetentionConfiguration = RetentionConfiguration()
        ) {
            self.id = id
            self.settings = settings
            directory = service.directory?(settings)
            self.retention = retention
        }

        /// Whether both keep their objects at the same place and reach it in the same way.
        func isSamePlace(as other: Pool) -> Bool { settings.isEqual(to: other.settings) }

        package static func == (one: Pool, other: Pool) -> Bool {
            one.id == other.id && one.isSamePlace(as: other) && one.retention == other.retention
        }
    }

    /// - Returns: Every pool name in the file, including those of invalid pools, so that no reference to one is reported as unknown.
    mutating func readPools(_ reader: SettingsReader) -> [PoolID] {
        var named: [PoolID] = []
        var read: [Pool] = []
        let (services, retention) = (services, retention)
        reader.requiredSections(
            "pools", named: .pool,
            examples: services.all.enumerated().map { ($1.examplePool, $1.poolDocumentation.doc, $0 == 0) },
            doc:
                "Where copies are kept. Each key is service/region, and the settings of that pool are below it. The services are "
                + "\(services.words { "`\($0)`" })."
        ) { id, element in
            named.append(id)
            guard let service = services[id.service] else {
                let example = services.all.last.map { ", such as \($0.name)/\(id.region)" } ?? ""
                return element.report("this version does not support \(id.service) pools, only \(services.words { $0 })\(example)")
            }
            element.section { Self.readPool(id, of: service, retention, $0, &read) }
        }
        pools = read
        return named
    }

    private static func readPool<Service: StorageService>(
        _ id: PoolID, of service: Service.Type, _ all: Retention, _ section: SettingsReader, _ read: inout [Pool]
    ) {
        let settings = service.readPool(section, of: id)
        let isPriced = settings.map { service.hasListPrices($0) && all.hasPrices(of: id) } ?? false
        var retention = RetentionConfiguration()
        section.section("retention", doc: "How long a replica is worth keeping.") {
            retention = RetentionConfiguration(
                $0, hasDirectory: service.directory != nil, policy: all.policy, standard: isPriced ? .cost : .ttl)
        }
        guard let settings else { return }
        let pool = Pool(id: id, settings, of: service, retention: retention)
        for other in read where other.id.service == id.service {
            if let clash = settings.anyClash(with: other.settings, called: "the pool \(other.id)") {
                return section.report(clash.message, key: clash.key)
            }
        }
        read.append(pool)
    }
}

extension StorageService {
    fileprivate static var examplePool: String { "\(name)/\(poolDocumentation.region)" }
}
