import StorageCloud

/// The current state of a bucket.
struct S3BucketState: Sendable, Equatable {
    /// Whether it exists, even if somebody else owns it.
    var exists: KnownSetting<Bool>
    /// The bucket's region, if the service states it.
    var region: String?
    /// `nil` for none.
    var policy: KnownSetting<S3BucketPolicy?> = .value(nil)
    var publicAccess: KnownSetting<S3PublicAccessBlock?> = .value(nil)
    /// `BucketOwnerEnforced`, …; `nil` for none.
    var ownership: KnownSetting<String?> = .value(nil)
    var lifecycle: KnownSetting<S3Lifecycle?> = .value(nil)

    static let ownerEnforced = "BucketOwnerEnforced"

    /// For a bucket that does not exist yet: nothing is set, and only unsupported settings are known.
    var withSupportAlone: S3BucketState {
        S3BucketState(
            exists: exists, region: region, policy: policy.orNothing, publicAccess: publicAccess.orNothing, ownership: ownership.orNothing,
            lifecycle: lifecycle.orNothing)
    }
}

/// Amazon's protection against buckets that are public by mistake.
struct S3PublicAccessBlock: Sendable, Equatable {
    /// Nothing is public.
    static let all = S3PublicAccessBlock(blocked: Set(names))
    /// A policy can make objects public; access control lists cannot.
    static let policyOnly = S3PublicAccessBlock(blocked: ["BlockPublicAcls", "IgnorePublicAcls"])

    private static let names = ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"]

    /// Which of its four elements are `true`.
    let blocked: Set<String>
}

extension S3PublicAccessBlock {
    /// - Parameter document: `PublicAccessBlockConfiguration`.
    init(_ document: XMLTree) {
        blocked = Set(Self.names.filter { document[$0]?.text.lowercased() == "true" })
    }

    /// As it is sent.
    var xml: String {
        let elements = Self.names.map { "<\($0)>\(blocked.contains($0))</\($0)>" }
        return "<PublicAccessBlockConfiguration xmlns=\"\(S3Lifecycle.namespace)\">\(elements.joined())</PublicAccessBlockConfiguration>"
    }
}
