import MirrorCore
import MirrorStorage
import NIOHTTP1
import StorageCloud

/// Makes a pool's bucket what the pool wants of it: looks, plans, and does what was planned.
struct GCSPoolSetup: Sendable {
    let target: GCSPoolTarget
    let configuration: GCSConfiguration
    let client: GCSClient
    private let retries: StepRetry

    init(configuration: GCSConfiguration, retention: Duration, connection: GCSConnection) {
        target = GCSPoolTarget(configuration, retention: retention)
        client = GCSClient(
            bucket: configuration.bucket, endpoint: configuration.endpoint, credentials: configuration.credentials, connection: connection)
        retries = StepRetry(policy: .init(maxAttempts: 4), clock: connection.clock)
        self.configuration = configuration
    }

    /// Changes nothing.
    ///
    /// - Throws: `StorageError` when the service cannot be reached, or there are no credentials.
    func plan() async throws -> GCSPoolPlan {
        let bucket = try await bucket()
        guard case .value(.some) = bucket else { return GCSPoolPlan(target, GCSBucketState(bucket: bucket, policy: .unsupported)) }
        return GCSPoolPlan(target, GCSBucketState(bucket: bucket, policy: try await policy()))
    }

    // MARK: Looking

    /// The bucket's settings; `nil` where there is no bucket.
    func bucket() async throws -> KnownSetting<GCSBucket?> {
        guard configuration.hasTokens else {
            return .unknown("its settings can be seen and changed with a service account only, not with HMAC keys or without credentials")
        }
        let call = GCSCall.json("getBucket", .GET, path)
        let answer = try await ask(call)
        guard let failure = answer.failure else {
            let resource = try await client.object(in: answer, to: call)
            guard let bucket = GCSBucket(resource) else { return .unsupported }
            return .value(bucket)
        }
        switch failure.status {
        case 404: return .value(nil)
        case 403:
            return .unknown("grant storage.buckets.get on it, or name another bucket if this one is somebody else's (\(failure.described))")
        default: return failure.isUnsupported ? .unsupported : .unknown(client.error(failure, call).message)
        }
    }

    private func policy() async throws -> KnownSetting<GCSPolicy> {
        let call = GCSCall.json("getBucketPolicy", .GET, path + ["iam"], query: [("optionsRequestedPolicyVersion", "3")])
        let answer = try await ask(call)
        guard let failure = answer.failure else { return .value(GCSPolicy(try await client.object(in: answer, to: call))) }
        if failure.status == 403 { return .unknown("grant storage.buckets.getIamPolicy (\(failure.described))") }
        return failure.isUnsupported ? .unsupported : .unknown(client.error(failure, call).message)
    }

    private var path: [String] { ["b", target.bucket] }

    /// The service's answer, after retries for throttling and temporary errors.
    private func ask(_ call: GCSCall) async throws -> GCSAnswer {
        // "Someone else has a bucket with this name" is an answer.
        try await retries.answer(of: client, to: call, isAnswer: { $0.status == 409 })
    }

    // MARK: Doing

    /// Does what was planned, one step after the other; stops when the bucket cannot be made.
    ///
    /// - Parameter report: Gets the outcome of each line that has a step.
    /// - Returns: Whether all of it was done.
    func apply(_ plan: GCSPoolPlan, report: (SetupLine) -> Void) async throws -> Bool {
        try await plan.lines.apply(
            report: report, endsAll: { if case .createBucket = $0 { true } else { false } }, perform: { try await perform($0) })
    }

    /// - Returns: Why it could not be done, in words that say what to do.
    private func perform(_ step: GCSPoolPlan.Step) async throws -> String? {
        let call: GCSCall
        do {
            call = try await self.call(for: step)
            guard let failure = try await ask(call).failure else { return nil }
            return words(for: failure, call, step)
        } catch let error as StorageError {
            return error.message
        }
    }

    private func call(for step: GCSPoolPlan.Step) async throws -> GCSCall {
        switch step {
        case .createBucket(let prevents):
            let resource: [String: JSONValue] = [
                "name": .string(target.bucket), "location": .string(target.location), "storageClass": .string("STANDARD"),
                "iamConfiguration": GCSBucket.accessControl(preventsPublicAccess: prevents),
                // What the mirror deletes can be had again from its origin.
                "softDeletePolicy": .object(["retentionDurationSeconds": .string("0")]),
            ]
            return .json("createBucket", .POST, ["b"], query: [("project", target.project ?? "")], body: .object(resource))
        case .setAccess(let prevents):
            return .json(
                "patchBucket", .PATCH, path,
                body: .object(["iamConfiguration": GCSBucket.accessControl(preventsPublicAccess: prevents)]))
        case .setLifecycle(let lifecycle):
            return .json("patchBucket", .PATCH, path, body: .object(["lifecycle": lifecycle.json]))
        case .setReaders(let everybody):
            // Read again for its entity tag, so that a change that someone else has made since is not lost.
            switch try await policy() {
            case .value(let policy):
                let changed = everybody ? policy.addingEverybody() : policy.removingEverybody()
                return .json("setBucketPolicy", .PUT, path + ["iam"], body: changed.json)
            case .unsupported: throw CloudErrors.gcs.error(.unsupported, "not supported by this server", "setBucketPolicy")
            case .unknown(let reason): throw CloudErrors.gcs.error(.permissionDenied, reason, "setBucketPolicy")
            }
        }
    }

    private func words(for failure: GCSFailure, _ call: GCSCall, _ step: GCSPoolPlan.Step) -> String {
        switch (failure.status, step) {
        case (409, .createBucket): return "another project has a bucket of this name: choose another one (\(failure.described))"
        case (412, .setReaders(everybody: true)):
            return
                "public access is prevented by a policy of the organization, or somebody has changed the bucket just now: allow it there, or choose "
                + "`access: presigned` (\(failure.described))"
        case (403, _): return "grant \(step.permission) (\(failure.described))"
        default: return client.error(failure, call).message
        }
    }
}
