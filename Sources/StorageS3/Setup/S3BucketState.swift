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
    var blocksPublicACLs: Bool
    var ignoresPublicACLs: Bool
    var blocksPublicPolicy: Bool
    var restrictsPublicBuckets: Bool

    /// Nothing is public.
    static let all = S3PublicAccessBlock(
        blocksPublicACLs: true, ignoresPublicACLs: true, blocksPublicPolicy: true, restrictsPublicBuckets: true)
    /// What a policy makes public is public; access control lists make nothing so.
    static let policyOnly = S3PublicAccessBlock(
        blocksPublicACLs: true, ignoresPublicACLs: true, blocksPublicPolicy: false, restrictsPublicBuckets: false)

    private static let names = ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"]

    init(blocksPublicACLs: Bool, ignoresPublicACLs: Bool, blocksPublicPolicy: Bool, restrictsPublicBuckets: Bool) {
        self.blocksPublicACLs = blocksPublicACLs
        self.ignoresPublicACLs = ignoresPublicACLs
        self.blocksPublicPolicy = blocksPublicPolicy
        self.restrictsPublicBuckets = restrictsPublicBuckets
    }

    /// - Parameter document: `PublicAccessBlockConfiguration`.
    init(_ document: XMLTree) {
        let values = Self.names.map { document[$0]?.text.lowercased() == "true" }
        self.init(
            blocksPublicACLs: values[0], ignoresPublicACLs: values[1], blocksPublicPolicy: values[2], restrictsPublicBuckets: values[3])
    }

    /// As it is sent.
    var xml: String {
        let values = [blocksPublicACLs, ignoresPublicACLs, blocksPublicPolicy, restrictsPublicBuckets]
        let elements = zip(Self.names, values).map { name, value in "<\(name)>\(value)</\(name)>" }
        return "<PublicAccessBlockConfiguration xmlns=\"\(S3Lifecycle.namespace)\">\(elements.joined())</PublicAccessBlockConfiguration>"
    }
}
