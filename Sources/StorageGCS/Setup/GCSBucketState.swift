import MirrorCore
import StorageCloud

/// What a bucket is like now.
struct GCSBucketState: Sendable, Equatable {
    /// `nil` where there is none.
    var bucket: KnownSetting<GCSBucket?>
    var policy: KnownSetting<GCSPolicy>
}

/// The settings of a bucket that its resource has.
struct GCSBucket: Sendable, Equatable {
    /// `us-central1`
    var location: String
    /// Counts the changes of its settings.
    var metageneration: String
    /// Whether access control lists are off.
    var hasUniformAccess: Bool
    /// Whether nothing can be made public.
    var preventsPublicAccess: Bool
    var lifecycle: GCSLifecycle
    /// How long what was deleted is kept, and charged for, in seconds; 0 for not at all.
    var softDeleteSeconds: Int64

    /// - Parameter json: The resource.
    /// - Returns: `nil` for what is not one.
    init?(_ json: JSONValue) {
        guard let location = json["location"]?.string, let metageneration = json["metageneration"]?.string else { return nil }
        self.location = location.lowercased()
        self.metageneration = metageneration
        let access = json["iamConfiguration"]
        hasUniformAccess = access?["uniformBucketLevelAccess"]?["enabled"] == .bool(true)
        preventsPublicAccess = access?["publicAccessPrevention"]?.string == "enforced"
        lifecycle = GCSLifecycle(json: json["lifecycle"])
        // The service writes numbers of 64 bits as text.
        softDeleteSeconds = json["softDeletePolicy"]?["retentionDurationSeconds"]?.string.flatMap { Int64(digits: $0) } ?? 0
    }

    /// Uniform access, and whether something may be made public, as the resource has them.
    static func accessControl(preventsPublicAccess: Bool) -> JSONValue {
        .object([
            "uniformBucketLevelAccess": .object(["enabled": .bool(true)]),
            "publicAccessPrevention": .string(preventsPublicAccess ? "enforced" : "inherited"),
        ])
    }
}
