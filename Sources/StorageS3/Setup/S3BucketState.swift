import StorageCloud

/// What a bucket is like now.
struct S3BucketState: Sendable, Equatable {
    /// Whether it is there. It is there, too, when somebody else has it.
    var exists: KnownSetting<Bool>
    /// Where it is, when the service says so.
    var region: String?
    /// `nil` for none.
    var policy: KnownSetting<S3BucketPolicy?> = .value(nil)
    var publicAccess: KnownSetting<S3PublicAccessBlock?> = .value(nil)
    /// `BucketOwnerEnforced`, …; `nil` for none.
    var ownership: KnownSetting<String?> = .value(nil)
    var lifecycle: KnownSetting<S3Lifecycle?> = .value(nil)

    static let ownerEnforced = "BucketOwnerEnforced"

    /// Of a bucket that there is not yet: nothing is set, and all that can be known is what the server does not support.
    var withSupportAlone: S3BucketState {
        S3BucketState(
            exists: exists, region: region, policy: policy.orNothing, publicAccess: publicAccess.orNothing, ownership: ownership.orNothing,
            lifecycle: lifecycle.orNothing)
    }
}

/// Amazon's guard against buckets that are public by mistake.
struct S3PublicAccessBlock: Sendable, Equatable {
    /// Nothing is public.
    static let all = S3PublicAccessBlock(blocked: Set(names))
    /// What a policy makes public is public; access control lists make nothing so.
    static let policyOnly = S3PublicAccessBlock(blocked: ["BlockPublicAcls", "IgnorePublicAcls"])

    private static let names = ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"]

    /// Those of its four elements that are `true`.
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
