import CloudMirror
import MirrorCore
import MirrorStorage
import StorageLocal
import StorageS3
import MirrorEngine
import Testing

@testable import MirrorNode
@testable import MirrorSettings

/// A kind of storage of somebody else's: whatever the configuration and the commands know of it they have from its ``StorageService``.
@Suite struct StorageServiceTests {
    private static let services = StorageServices(.standard + [ShelfService.self])

    private static func reading(_ pools: String, services: StorageServices = services) throws(ConfigurationError) -> Configuration {
        let text = "origins: {allow: [https://artifacts.example.org/]}\npools:\n  \(pools)\n"
        return try Configuration.parse(Array(text.utf8), file: "mirror.yaml", services: services, environment: .fake())
    }

    private static func problems(_ pools: String, services: StorageServices = services) -> [String] {
        do {
            _ = try reading(pools, services: services)
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }

    @Test func `its settings are read, and every pool has a retention`() throws {
        let pool = try #require(try Self.reading("shelf/test: {label: a, retention: {timeToLive: 2h}}").pools.first)
        #expect(pool.settings as? ShelfSettings == ShelfSettings(label: "a"))
        #expect(pool.retention.timeToLive == .seconds(7_200))
        #expect(pool.directory == nil)
    }

    @Test(arguments: [
        ("shelf/test: {label: a, lable: b}", "mirror.yaml:3:26: pools.shelf/test.lable: unknown key; did you mean 'label'?"),
        ("shelf/test: {}", "mirror.yaml:3:15: pools.shelf/test.label: is missing; write label: a-label"),
        ("shelf/test: {label: a, retention: {minFreeBytes: 1GiB}}", "unknown key"),
        (
            "shelf/test: {label: a}\n  shelf/other: {label: a}",
            "mirror.yaml:4:24: pools.shelf/other.label: is the label of the pool shelf/test already"
        ),
        ("tape/x: {}", "this version does not support tape pools, only local, s3, gcs, azure and shelf, such as shelf/x"),
    ])
    func `what is wrong with them is said as for the others`(pools: String, message: String) {
        let problems = Self.problems(pools)
        #expect(problems.contains { $0.contains(message) }, "\(problems)")
    }

    @Test func `without it there are no such pools`() {
        let problems = Self.problems("shelf/test: {label: a}", services: .standard)
        #expect(
            problems.contains { $0.contains("this version does not support shelf pools, only local, s3, gcs and azure") }, "\(problems)")
    }

    @Test func `the references have it`() throws {
        let reference = ConfigurationReference.markdown(Self.services)
        #expect(reference.contains("The services are `local`, `s3`, `gcs`, `azure` and `shelf`."))
        #expect(reference.contains("## `pools.shelf/back-room`\n\nA shelf."))
        #expect(reference.contains("| `label` | text | **required** | What stands on it. |"))
        #expect(ConfigurationExample.yaml(Self.services).contains("  #shelf/back-room:\n    # What stands on it.\n    #label: a-label\n"))
        #expect(CapabilityTable.markdown(Self.services).contains("| `azure`, presigned | `shelf` | in memory (tests) |"))
        #expect(CapabilityTable.permissions(Self.services).hasSuffix("Whoever may open the door.\n"))
        let copies = try CopyTable.markdown(Self.services).split(separator: "\n")
        #expect(copies[0].hasSuffix(" | `shelf` |"))
        // A shelf copies nothing by itself, and takes parts.
        #expect(copies.contains { $0.hasPrefix("| HTTP, several parts | ") && $0.hasSuffix(" | in ranges, all bytes |") })
    }

    @Test func `a pool is the same only with the same settings of the same service`() throws {
        let pool = try #require(try Self.reading("shelf/test: {label: a}").pools.first)
        let id = pool.id
        #expect(pool == Configuration.Pool(id: id, ShelfSettings(label: "a"), of: ShelfService.self))
        #expect(pool != Configuration.Pool(id: id, ShelfSettings(label: "b"), of: ShelfService.self))
        #expect(pool != Configuration.Pool(id: id, directory: "/a"))
    }

    @Test(arguments: [(false, SetupLine(.ok, "the service answers")), (true, SetupLine(.error, "the shelf fell down"))])
    func `a service without checks of its own is asked whether it answers`(isBroken: Bool, line: SetupLine) async throws {
        let setup = try PoolSetup(try Self.reading("shelf/test: {label: \(isBroken ? "broken" : "a")}"), only: nil)
        let plans = try await setup.plans()
        #expect(plans.map(\.plan.lines) == [[SetupLine(.ok, "there is nothing to set up")]])
        #expect(plans.allSatisfy { $0.plan.apply == nil })
        var lines: [SetupLine] = []
        let isFine = try await setup.check { _, line in lines.append(line) }
        #expect(isFine == !isBroken)
        #expect(lines == [line])
        await setup.close()
    }

    @Test func `of two services of one name the first counts`() throws {
        let services = StorageServices([ShelfService.self, OtherShelf.self])
        let pool = try #require(try Self.reading("shelf/test: {label: a}", services: services).pools.first)
        #expect(pool.settings is ShelfSettings)
    }
}

private struct ShelfSettings: StorageSettings {
    var label: String

    func clash(with other: ShelfSettings, called name: String) -> SettingsClash? {
        label == other.label ? SettingsClash(key: "label", message: "is the label of \(name) already") : nil
    }
}

private struct ShelfService: StorageService {
    static let name = "shelf"
    static let poolDocumentation = PoolDocumentation(region: "back-room", doc: "A shelf.")
    static let capabilities: [(variant: String?, capabilities: StoreCapabilities)] = [(nil, MemoryStore().capabilities)]
    static let permissions: String? = "Whoever may open the door.\n"

    init(pools: [ShelfSettings], origins: [NoOrigin], environment: ServiceEnvironment) {}

    static func readPool(_ section: SettingsReader, of pool: PoolID) -> ShelfSettings? {
        section.required("label", .userAgent, example: "a-label", doc: "What stands on it.").map { ShelfSettings(label: $0) }
    }

    func open(_ pool: ShelfSettings, as description: PoolDescription) throws -> any ObjectStore {
        if pool.label == "broken" { throw StorageError(.unavailable, "the shelf fell down", operation: "open") }
        return MemoryStore()
    }
}

private struct OtherShelf: StorageService {
    static let name = "shelf"
    static let poolDocumentation = PoolDocumentation(region: "cellar", doc: "Another shelf.")
    static let capabilities: [(variant: String?, capabilities: StoreCapabilities)] = []

    init(pools: [LocalPoolSettings], origins: [NoOrigin], environment: ServiceEnvironment) {}

    static func readPool(_ section: SettingsReader, of pool: PoolID) -> LocalPoolSettings? { nil }
    func open(_ pool: LocalPoolSettings, as description: PoolDescription) throws -> any ObjectStore { MemoryStore() }
}
