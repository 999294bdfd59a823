public import MirrorCore
import MirrorNet
public import MirrorSettings
public import MirrorStorage

/// Pools on WebDAV servers: `webdav/…`.
public struct WebDAVService: StorageService {
    public static let name = "webdav"
    public static let poolDocumentation = PoolDocumentation(
        region: "office",
        doc: "A collection on a WebDAV server. Clients read copies from `objects/` in it, without a login; only the mirror writes.")
    public static let capabilities: [(variant: String?, capabilities: StoreCapabilities)] = [(nil, WebDAVStore.capabilities)]

    private let http: ServiceClient
    private let environment: ServiceEnvironment

    public init(pools: [WebDAVPoolSettings], origins: [NoOrigin], environment: ServiceEnvironment) {
        self.environment = environment
        http = environment.makeClient()
    }

    public static func readPool(_ section: SettingsReader, of pool: PoolID) -> WebDAVPoolSettings? { .read(section) }

    public func open(_ pool: WebDAVPoolSettings, as description: PoolDescription) async throws -> any ObjectStore {
        WebDAVStore(WebDAVClient(pool, http: http, clock: environment.clock), locations: pool.publicURL ?? pool.url)
    }

    public func close() async {
        await http.shutdown()
    }
}
