import MirrorCore
import MirrorStorage
import StorageCloud

/// The current state of a container.
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

/// The state that a pool needs its container to have.
struct AzurePoolTarget: PoolTarget {
    var account: String
    var container: String
    /// Where it is, for users.
    var place: String
    var reading: BucketReading
    var retention: Duration

    init(_ configuration: AzureConfiguration, retention: Duration) {
        account = configuration.endpoint.account
        container = configuration.container
        place = configuration.endpoint.url
        reading = configuration.reading
        self.retention = retention
    }

    /// A public pool cannot use a container that nobody may read without a signature, unless clients read at another URL.
    var wantsPublicAccess: Bool { reading.access == .public && !reading.isElsewhere }

    /// The rule that deletes forgotten objects, as a policy of the account.
    var lifecyclePolicy: String {
        let filters = #"{"blobTypes":["blockBlob"],"prefixMatch":["\#(container)/\#(keyPrefix)"]}"#
        let actions = #"{"baseBlob":{"delete":{"daysAfterModificationGreaterThan":\#(newExpiryDays)}}}"#
        let definition = #"{"filters":\#(filters),"actions":\#(actions)}"#
        return #"{"rules":[{"enabled":true,"name":"cloud-mirror-expiry","type":"Lifecycle","definition":\#(definition)}]}"#
    }
}
