import MirrorStorage
import StorageCloud

/// What has to be done to a bucket for a pool.
struct GCSPoolPlan: PoolPlan {
    /// In an order in which they may be done.
    enum Step: Sendable, Equatable {
        /// With access control, and without soft deletion.
        case createBucket(preventsPublicAccess: Bool)
        case setAccess(preventsPublicAccess: Bool)
        /// Lets everybody read, or nobody without a signature.
        case setReaders(everybody: Bool)
        case setLifecycle(GCSLifecycle)

        /// What has to be permitted for it.
        var permission: String {
            switch self {
            case .createBucket: "storage.buckets.create on the project"
            case .setAccess: "storage.buckets.update and storage.buckets.setIamPolicy"
            case .setReaders: "storage.buckets.setIamPolicy"
            case .setLifecycle: "storage.buckets.update"
            }
        }
    }

    var lines: [PlannedLine<Step>] = []

    init(_ target: GCSPoolTarget, _ state: GCSBucketState) {
        switch state.bucket {
        case .value(let bucket?): planExisting(target, bucket, state.policy)
        case .value(nil): planNew(target)
        case .unsupported:
            add(.problem, "the server does not say whether the bucket \(target.bucket) exists: is \(target.endpoint.url) Cloud Storage?")
        case .unknown(let reason): add(.problem, "the bucket \(target.bucket) cannot be inspected: \(reason)")
        }
    }

    // MARK: A new bucket

    private mutating func planNew(_ target: GCSPoolTarget) {
        guard let project = target.project else {
            return add(.problem, "there is no bucket \(target.bucket): write `project: …` for it to be created, or correct its name")
        }
        add(
            .change,
            "create the bucket \(target.bucket) in \(target.location), project \(project), with uniform access and without soft deletion",
            .createBucket(preventsPublicAccess: target.reading.access == .presigned))
        if target.reading.access == .public, !target.reading.isElsewhere {
            add(.change, Self.publicWords(target), .setReaders(everybody: true))
        }
        planLifecycle(target, GCSLifecycle())
    }

    // MARK: A bucket that there is

    private mutating func planExisting(_ target: GCSPoolTarget, _ bucket: GCSBucket, _ policy: KnownSetting<GCSPolicy>) {
        add(.ok, "the bucket \(target.bucket) exists in \(bucket.location)")
        guard bucket.location == target.location.lowercased() else {
            return add(
                .problem, "the pool is for the location \(target.location): write `region: \(bucket.location)`, or name another bucket")
        }
        switch target.reading.access {
        case _ where target.reading.isElsewhere: addReadElsewhere()
        case .public:
            // First: as long as public access is prevented, nobody can be granted it.
            planAccessControl(bucket, prevents: false)
            planPublicRead(target, policy)
        case .presigned:
            planPrivate(policy)
            planAccessControl(bucket, prevents: true)
        }
        planLifecycle(target, bucket.lifecycle)
        guard bucket.softDeleteSeconds > 0 else { return }
        add(
            .note,
            "soft deletion: what the mirror deletes or replaces is kept and charged for, for \(bucket.softDeleteSeconds / 86_400) days; turn it off "
                + "unless something else in the bucket needs it: gcloud storage buckets update gs://\(target.bucket) --clear-soft-delete")
    }

    private mutating func planAccessControl(_ bucket: GCSBucket, prevents: Bool) {
        let isRight = bucket.hasUniformAccess && bucket.preventsPublicAccess == prevents
        let loss = bucket.hasUniformAccess ? "" : "; what access control lists permit now will no longer be permitted"
        add(
            isRight ? .ok : .change,
            "access control: by IAM only (uniform bucket-level access); public access is \(prevents ? "prevented" : "possible")\(loss)",
            isRight ? nil : .setAccess(preventsPublicAccess: prevents))
    }

    private static func publicWords(_ target: GCSPoolTarget) -> String {
        let others =
            target.keyPrefix.isEmpty
            ? "" : ", also those that are not under \(target.keyPrefix): the service grants this for a whole bucket"
        return "IAM: everybody may read objects (allUsers: \(GCSPolicy.readerRole))\(others)"
    }

    private mutating func planPublicRead(_ target: GCSPoolTarget, _ known: KnownSetting<GCSPolicy>) {
        guard case .value(let policy) = known else { return addUnread("IAM", known) }
        if policy.letsEverybodyRead { return add(.ok, "IAM: everybody may read objects") }
        add(.change, Self.publicWords(target), .setReaders(everybody: true))
    }

    private mutating func planPrivate(_ known: KnownSetting<GCSPolicy>) {
        guard case .value(let policy) = known else { return addUnread("IAM", known) }
        if policy.hasEverybody {
            add(.change, "IAM: nobody may read without a signature (allUsers lose \(GCSPolicy.readerRole))", .setReaders(everybody: false))
        } else {
            add(.ok, "IAM: the mirror lets nobody read without a signature")
        }
        for role in policy.otherPublicRoles {
            add(.note, "IAM: \(role) is granted to everybody: public access prevention keeps it from having an effect")
        }
    }

    // MARK: Lifecycle

    private mutating func planLifecycle(_ target: GCSPoolTarget, _ lifecycle: GCSLifecycle) {
        let wanted = lifecycle.adding(target)
        var texts: [String] = []
        if !lifecycle.hasExpiry(of: target) {
            texts.append("\(target.objects) expire \(target.newExpiryDays) days after they were stored")
        }
        if !lifecycle.hasCleanup(of: target) { texts.append("uploads that are not completed expire after a day") }
        if texts.isEmpty {
            add(.ok, "lifecycle: forgotten objects and uploads expire")
        } else {
            add(.change, "lifecycle: \(texts.joined(separator: "; "))", .setLifecycle(wanted))
        }
        for rule in wanted.premature(for: target) { add(.note, "lifecycle: \(rule.premature(for: target))") }
    }
}
