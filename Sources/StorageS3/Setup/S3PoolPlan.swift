import MirrorStorage
import StorageCloud

/// What has to be done to a bucket for a pool.
struct S3PoolPlan: PoolPlan {
    typealias Line = PlannedLine<Step>

    /// In an order in which they can be performed.
    enum Step: Sendable, Equatable {
        case createBucket
        case setOwnership
        case setPublicAccess(S3PublicAccessBlock)
        case setPolicy(S3BucketPolicy)
        case removePolicy
        case setLifecycle(S3Lifecycle)

        /// The permission that it needs, whether clients cannot be served as configured without it, and how suspicious it is: when writes no longer work, the most suspicious steps
        /// are reverted first.
        var traits: (permission: String, isEssential: Bool, suspicion: Int) {
            switch self {
            case .createBucket: ("s3:CreateBucket", true, 0)
            case .setOwnership: ("s3:PutBucketOwnershipControls", false, 2)
            case .setPublicAccess: ("s3:PutBucketPublicAccessBlock", false, 4)
            case .setPolicy: ("s3:PutBucketPolicy", true, 3)
            case .removePolicy: ("s3:DeleteBucketPolicy", false, 3)
            case .setLifecycle: ("s3:PutLifecycleConfiguration", false, 1)
            }
        }
    }

    var lines: [Line] = []
    /// The bucket's state before, to which applied steps can be reverted.
    let before: S3BucketState

    init(_ target: S3PoolTarget, _ state: S3BucketState) {
        before = state
        guard planBucket(target, state) else { return }
        planOwnership(state)
        planAccess(target, state)
        planLifecycle(target, state)
    }

    /// - Returns: Whether there is or will be a bucket to set up.
    private mutating func planBucket(_ target: S3PoolTarget, _ state: S3BucketState) -> Bool {
        switch state.exists {
        case .value(true): add(.ok, "the bucket \(target.bucket) exists\(state.region.map { " in \($0)" } ?? "")")
        case .value(false):
            add(.change, "create the bucket \(target.bucket) in \(target.endpoint.region) at \(target.endpoint.url)", .createBucket)
        case .unsupported:
            add(.problem, "the server does not say whether the bucket \(target.bucket) exists: is \(target.endpoint.url) an S3 server?")
            return false
        case .unknown(let reason):
            add(.problem, "the bucket \(target.bucket) cannot be inspected: \(reason)")
            return false
        }
        guard let region = state.region, region != target.endpoint.region, target.endpoint.isAWS else { return true }
        add(.problem, "the pool is for the region \(target.endpoint.region): write `region: \(region)`, or name another bucket")
        return false
    }

    // MARK: Ownership

    private mutating func planOwnership(_ state: S3BucketState) {
        guard case .value(let ownership) = state.ownership else { return addUnread("object ownership", state.ownership) }
        if ownership == S3BucketState.ownerEnforced {
            add(.ok, "object ownership: the bucket's owner owns all objects, access control lists are off")
        } else {
            add(
                .change,
                "object ownership: \(ownership ?? "none") becomes \(S3BucketState.ownerEnforced), which turns access control lists off",
                .setOwnership)
        }
    }

    // MARK: Who may read

    private mutating func planAccess(_ target: S3PoolTarget, _ state: S3BucketState) {
        if target.reading.isElsewhere { return addReadElsewhere() }
        switch target.reading.access {
        case .public:
            // The block first, because it refuses a policy that makes objects public.
            planBlock(state, wanted: .policyOnly, "public access block: a policy may make objects public, access control lists may not")
            planPublicRead(target, state)
        case .presigned:
            planPrivate(target, state)
            planBlock(state, wanted: .all, "public access block: nothing is public")
        }
    }

    private mutating func planBlock(_ state: S3BucketState, wanted: S3PublicAccessBlock, _ words: String) {
        guard case .value(let block) = state.publicAccess else { return addUnread("public access block", state.publicAccess) }
        add(block == wanted ? .ok : .change, words, block == wanted ? nil : .setPublicAccess(wanted))
    }

    private mutating func planPublicRead(_ target: S3PoolTarget, _ state: S3BucketState) {
        guard case .value(let policy) = state.policy else { return addUnread("policy", state.policy) }
        let read = target.publicRead
        let words = "policy: everybody may read \(target.objects) (statement \(read.sid))"
        if let policy, policy.has(read) { return add(.ok, words) }
        add(.change, words, .setPolicy((policy ?? S3BucketPolicy()).adding(read)))
    }

    private mutating func planPrivate(_ target: S3PoolTarget, _ state: S3BucketState) {
        guard case .value(let policy) = state.policy else { return addUnread("policy", state.policy) }
        let sid = target.publicRead.sid
        if let policy, policy.hasStatement(named: sid) {
            let rest = policy.removing(sid)
            add(
                .change, "policy: remove the statement \(sid), which lets everybody read",
                rest.isEmpty ? .removePolicy : .setPolicy(rest))
        } else {
            add(.ok, "policy: the mirror has no statement that lets everybody read")
        }
        let effect = state.publicAccess == .unsupported ? "it is not changed" : "the public access block keeps it from having an effect"
        for statement in policy?.publicStatements(besides: sid) ?? [] {
            add(.note, "policy: the statement \(statement), which is not the mirror's, applies to everybody: \(effect)")
        }
    }

    // MARK: Lifecycle

    private mutating func planLifecycle(_ target: S3PoolTarget, _ state: S3BucketState) {
        guard case .value(let known) = state.lifecycle else { return addUnread("lifecycle", state.lifecycle) }
        let lifecycle = known ?? S3Lifecycle()
        let wanted = lifecycle.adding(target)
        var texts: [String] = []
        if !lifecycle.hasExpiry(of: target) {
            texts.append("\(target.objects) expire \(target.newExpiryDays) days after they were stored (\(target.expiryRuleID))")
        }
        if !lifecycle.hasAbort(of: target) { texts.append("uploads that are not completed expire after a day (\(target.abortRuleID))") }
        if texts.isEmpty {
            add(.ok, "lifecycle: forgotten objects and uploads expire (\(target.expiryRuleID), \(target.abortRuleID))")
        } else {
            add(.change, "lifecycle: \(texts.joined(separator: "; "))", .setLifecycle(wanted))
        }
        for rule in wanted.premature(for: target) {
            add(.note, "lifecycle: \(target.premature(rule))")
        }
    }
}

extension S3PoolTarget {
    /// Describes a rule that deletes objects too soon.
    func premature(_ rule: S3Lifecycle.Rule) -> String {
        let when = rule.expiryDays == 0 ? "on a date" : "\(rule.expiryDays ?? 0) days after they were stored"
        return
            "the rule \(rule.id.isEmpty ? "without a name" : rule.id) deletes \(objects) \(when), while the mirror keeps them longer: "
            + "make it \(leastExpiryDays) days or more, or shorten retention.timeToLive"
    }
}
