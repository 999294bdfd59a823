public import MirrorCore
public import MirrorSettings

/// One kind of storage: how its pools are configured, opened, set up and checked, and which artifacts it can read as an origin.
///
/// This is the extension point for backends. Everything that depends on the kind of a pool goes through the service: reading the configuration and
/// writing its reference, opening pools, `pools apply`, `pools check`, `doctor`, the capability table. To add a service to a mirror, add it to
/// the list that is passed to `CloudMirror.run(services:)`, and nowhere else.
///
/// Each process creates one instance, from everything that the configuration says about the service, so that pools and origins can share
/// connections and credentials. If nothing is configured, no instance is created.
public protocol StorageService: Sendable {
    /// The settings in the section of one pool, besides `retention`.
    associatedtype PoolSettings: StorageSettings
    /// The settings in one element of `origins.<name>`; ``NoOrigin`` for a service that is not an origin.
    associatedtype OriginSettings: StorageSettings = NoOrigin

    /// The first word in the names of its pools, and its key in `origins`: `s3`. Lower-case letters, digits, `-`, `_`, `.`.
    static var name: String { get }

    /// The documentation of its pools in the reference and the example file.
    static var poolDocumentation: PoolDocumentation { get }

    /// The capabilities of its stores: one element for each variant that differs, with a word for it, or one element without.
    static var capabilities: [(variant: String?, capabilities: StoreCapabilities)] { get }

    /// The directory on this machine where a pool keeps its files; `nil` for a service that other machines can use, too.
    ///
    /// A service with directories gets `retention.minFreeBytes`, a share of the file system if there is no `maxBytes`, and checks of the directory
    /// and of the space on its file system. It cannot be combined with state that several machines share.
    static var directory: (@Sendable (PoolSettings) -> String)? { get }

    /// Whether a pool is in the service's own cloud, whose list prices the mirror has. Such a pool keeps replicas for as long as they pay (the policy
    /// `cost`), unless its settings say something else; others keep them for a time.
    static func hasListPrices(_ pool: PoolSettings) -> Bool

    /// Reads the keys of one pool. It is also called without a file, to write the reference: it must then ask for every key.
    ///
    /// - Parameter pool: The pool's name; its region can serve as a default.
    /// - Returns: `nil` after recording a problem.
    static func readPool(_ section: SettingsReader, of pool: PoolID) -> PoolSettings?

    /// The documentation of `origins.<name>`; `nil` for a service that is not an origin.
    static var originDocumentation: OriginDocumentation? { get }

    /// Reads one element of `origins.<name>`.
    ///
    /// - Returns: `nil` after recording a problem.
    static func readOrigin(_ section: SettingsReader) -> OriginSettings?

    /// The permissions that operators must grant to the mirror, in Markdown; `nil` if there are none.
    static var permissions: String? { get }

    /// Makes no network call: an unreachable service must not keep the others from being served.
    ///
    /// - Parameters:
    ///   - pools: All pools of this service, in the order of the file.
    ///   - origins: All of its origins.
    init(pools: [PoolSettings], origins: [OriginSettings], environment: ServiceEnvironment)

    /// How many calls one pool may have in progress at the same time, if it differs from ``ServiceEnvironment/operations``; further calls wait.
    var operations: Int? { get }

    /// Opens a pool.
    ///
    /// - Throws: ``StorageError`` if the pool can never work on this machine. A pool that is only unreachable at the moment is opened.
    func open(_ pool: PoolSettings, as description: PoolDescription) async throws -> any ObjectStore

    /// An object that sets up and checks a pool; `nil` if there is nothing to set up: then a check calls `checkHealth` of the store.
    func setup(of pool: PoolSettings, as description: PoolDescription) -> (any StorageSetup)?

    /// An object that reads the artifacts of an origin.
    func origin(_ settings: OriginSettings) -> any BucketOrigin

    /// Ends everything that the service has in progress, and closes its connections.
    func close() async
}

extension StorageService {
    public static var directory: (@Sendable (PoolSettings) -> String)? { nil }
    public static func hasListPrices(_ pool: PoolSettings) -> Bool { false }
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

/// What a service needs to know about a pool besides the service's own settings.
public struct PoolDescription: Sendable, Hashable {
    /// The pool's name.
    public var id: PoolID
    /// How long a replica is kept after its last use: a lower limit for the bucket's own lifecycle rules.
    public var timeToLive: Duration
    /// The number of bytes that stay free on the file system of a service with directories.
    public var minFreeBytes: Int64

    public init(id: PoolID, timeToLive: Duration, minFreeBytes: Int64) {
        self.id = id
        self.timeToLive = timeToLive
        self.minFreeBytes = minFreeBytes
    }
}

/// The documentation of a service's pools in the reference and the example file.
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

/// The documentation of the list `origins.<name>`.
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
