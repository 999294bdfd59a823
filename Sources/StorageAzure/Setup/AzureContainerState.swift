import MirrorCore
import MirrorStorage
import StorageCloud

/// What a container is like now.
struct AzureContainerState: Sendable, Equatable {
    /// Who may read without credentials.
    enum PublicAccess: String, Sendable {
        case nobody = "none"
        /// Blobs whose names are known.
        case blob
        /// The list of blobs, too.
        case container

        /// - Parameter field: `x-ms-blob-public-access`, which an answer about a private container does not have.
        init(_ field: String?) { self = field.flatMap { PublicAccess(rawValue: $0.lowercased()) } ?? .nobody }
    }

    var exists: KnownSetting<Bool>
    var access = PublicAccess.nobody
}

/// What a pool wants of its container.
struct AzurePoolTarget: Sendable, Equatable {
    var account: String
    var container: String
    /// Where it is, for people.
    var place: String
    var access: BucketAccess
    /// Whether clients read at an address that is not the container's own, such as a CDN's.
    var isReadElsewhere: Bool
    /// Empty, or with a slash at its end.
    var keyPrefix: String
    /// The longest time for which the mirror keeps an unused replica.
    var retention: Duration

    init(_ configuration: AzureConfiguration, retention: Duration) {
        account = configuration.endpoint.account
        container = configuration.container
        place = configuration.endpoint.url
        access = configuration.reading.access
        isReadElsewhere = configuration.reading.isElsewhere
        keyPrefix = configuration.reading.keyPrefix
        self.retention = retention
    }

    /// A container that nobody may read without a signature is of no use to a public pool, unless clients read elsewhere.
    var wantsPublicAccess: Bool { access == .public && !isReadElsewhere }

    private static let day: Int64 = 86_400_000

    /// What a lifecycle rule has to say at least: a day more than the mirror keeps anything, in whole days. It counts from when an object
    /// was stored, and the mirror from its last use: the rule is there for objects that nobody remembers.
    private var expiryDays: Int { max(Int(clamping: (retention.wholeMilliseconds + Self.day - 1) / Self.day) + 1, 30) }

    /// The rule by which forgotten objects end, as a policy of the account.
    var lifecyclePolicy: String {
        let filters = #"{"blobTypes":["blockBlob"],"prefixMatch":["\#(container)/\#(keyPrefix)"]}"#
        let actions = #"{"baseBlob":{"delete":{"daysAfterModificationGreaterThan":\#(expiryDays)}}}"#
        let definition = #"{"filters":\#(filters),"actions":\#(actions)}"#
        return #"{"rules":[{"enabled":true,"name":"cloud-mirror-expiry","type":"Lifecycle","definition":\#(definition)}]}"#
    }
}
