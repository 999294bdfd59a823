/// What is known of one setting of a bucket.
enum S3Known<Value: Sendable & Equatable>: Sendable, Equatable {
    case value(Value)
    /// The server does not know the call.
    case unsupported
    /// Why it could not be read, in words that say what to do.
    case unknown(String)
}

/// What a bucket is like now.
struct S3BucketState: Sendable, Equatable {
    /// Whether it is there. It is there, too, when somebody else has it.
    var exists: S3Known<Bool>
    /// Where it is, when the service says so.
    var region: String?
    /// `nil` for none.
    var policy: S3Known<S3BucketPolicy?> = .value(nil)
    var publicAccess: S3Known<S3PublicAccessBlock?> = .value(nil)
    /// `BucketOwnerEnforced`, …; `nil` for none.
    var ownership: S3Known<String?> = .value(nil)
    var lifecycle: S3Known<S3Lifecycle?> = .value(nil)

    static let ownerEnforced = "BucketOwnerEnforced"

    /// Of a bucket that there is not yet: nothing is set, and all that can be known is what the server does not support.
    var withSupportAlone: S3BucketState {
        S3BucketState(
            exists: exists, region: region, policy: policy.orNothing, publicAccess: publicAccess.orNothing, ownership: ownership.orNothing,
            lifecycle: lifecycle.orNothing)
    }
}

extension S3Known where Value: ExpressibleByNilLiteral {
    fileprivate var orNothing: S3Known {
        switch self {
        case .unsupported: .unsupported
        case .value, .unknown: .value(nil)
        }
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
    init(_ document: S3XML) {
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
