public import MirrorCore
public import MirrorSettings

/// One kind of storage: how its pools are configured, opened, set up and checked, and which artifacts it can read as an origin.
///
/// This is the door for backends. Whatever asks "what kind of pool is this?" asks the service instead: reading the configuration and writing
/// its reference, opening pools, `pools apply`, `pools check`, `doctor`, the capability table. A service is added to a mirror by naming it in
/// the list that is given to `CloudMirror.run(services:)`, and nowhere else.
///
/// An instance is made once for a process, from everything that the configuration says of the service, so that pools and origins can share
/// connections and credentials. It is not made if nothing is configured.
public protocol StorageService: Sendable {
    /// What the section of one pool holds, besides `retention`.
    associatedtype PoolSettings: StorageSettings
    /// What one element of `origins.<name>` holds; ``NoOrigin`` for a service that is no origin.
    associatedtype OriginSettings: StorageSettings = NoOrigin

    /// The first word of its pools' names, and its key in `origins`: `s3`. Lower-case letters, digits, `-`, `_`, `.`.
    static var name: String { get }

    /// What the reference and the example file say of its pools.
    static var poolDocumentation: PoolDocumentation { get }

    /// What its stores can do: one element for each variant that differs, with a word for it, or one element without.
    static var capabilities: [(variant: String?, capabilities: StoreCapabilities)] { get }

    /// Where on this machine a pool keeps its files; `nil` for a service that other machines can read, too.
    ///
    /// A service with directories gets `retention.minFreeBytes`, a share of the file system in place of no `maxBytes`, checks of the directory
    /// and of the space on its file system, and is refused beside state that several machines share.
    static var directory: (@Sendable (PoolSettings) -> String)? { get }

    /// Reads the keys of one pool. Called without a file, too, to write the reference: every key must be asked for then.
    ///
    /// - Parameter pool: The pool's name; its region may be a default.
    /// - Returns: `nil` after recording a problem.
    static func readPool(_ section: SettingsReader, of pool: PoolID) -> PoolSettings?

    /// What the reference says of `origins.<name>`; `nil` for a service that is no origin.
    static var originDocumentation: OriginDocumentation? { get }

    /// Reads one element of `origins.<name>`.
    ///
    /// - Returns: `nil` after recording a problem.
    static func readOrigin(_ section: SettingsReader) -> OriginSettings?

    /// What operators must allow the mirror to do, in Markdown; `nil` if there is nothing to say.
    static var permissions: String? { get }

    /// Makes no network call: a service that cannot be reached must not keep the others from being served.
    ///
    /// - Parameters:
    ///   - pools: All pools of this service, in the order of the file.
    ///   - origins: All of its origins.
    init(pools: [PoolSettings], origins: [OriginSettings], environment: ServiceEnvironment)

    /// Calls that one pool may have under way at the same time, where it has other limits than ``ServiceEnvironment/operations``; more have to wait.
    var operations: Int? { get }

    /// Opens a pool.
    ///
    /// - Throws: ``StorageError`` if it can never work on this machine. A pool that only cannot be reached now is opened.
    func open(_ pool: PoolSettings, as description: PoolDescription) async throws -> any ObjectStore

    /// What sets up and checks a pool; `nil` where there is nothing to set up: then a check asks the store for its health.
    func setup(of pool: PoolSettings, as description: PoolDescription) -> (any StorageSetup)?

    /// What reads the artifacts of an origin.
    func origin(_ settings: OriginSettings) -> any BucketOrigin

    /// Ends everything that the service has under way, and closes its connections.
    func close() async
}

extension StorageService {
    public static var directory: (@Sendable (PoolSettings) -> String)? { nil }
    public static var permissions: String? { nil }
    public var operations: Int? { nil }
    public func setup(of pool: PoolSettings, as description: PoolDescription) -> (any StorageSetup)? { nil }
    public func close() async {}
}

extension StorageService where OriginSettings == NoOrigin {
    public static var originDocumentation: OriginDocumentation? { nil }
    /// Reads nothing: the service is not an origin.
    public static func readOrigin(_ section: SettingsReader) -> NoOrigin? { nil }
    /// Never called: there are no settings to call it with.
    public func origin(_ settings: NoOrigin) -> any BucketOrigin {}
}

/// What a service needs to know of a pool besides the service's own settings.
public struct PoolDescription: Sendable, Hashable {
    /// The pool's name.
    public var id: PoolID
    /// How long a replica is kept after its last use: bounds what a bucket's own rules may delete.
    public var timeToLive: Duration
    /// Bytes that stay free on the file system of a service with directories.
    public var minFreeBytes: Int64

    public init(id: PoolID, timeToLive: Duration, minFreeBytes: Int64) {
        self.id = id
        self.timeToLive = timeToLive
        self.minFreeBytes = minFreeBytes
    }
}

/// What the reference and the example file say of a service's pools.
public struct PoolDocumentation: Sendable {
    /// The region in the example's name: `eu-central-1`.
    public var region: String
    /// One or two sentences.
    public var doc: String

    public init(region: String, doc: String) {
        self.region = region
        self.doc = doc
    }
}

/// What the reference says of the list `origins.<name>`.
public struct OriginDocumentation: Sendable {
    /// `list of {bucket, region}`
    public var type: String
    /// YAML on one line.
    public var example: String
    /// One or two sentences.
    public var doc: String

    public init(type: String, example: String, doc: String) {
        self.type = type
        self.example = example
        self.doc = doc
    }
}
