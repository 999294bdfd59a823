package import Logging
package import MirrorCore
package import MirrorNet
import MirrorStorage
import NIOCore
import NIOHTTP1

/// Makes a pool's bucket what the pool wants of it: looks, plans, and does what was planned.
package struct S3PoolSetup: Sendable {
    package let target: S3PoolTarget
    let client: S3Client
    private let clock: any WallClock
    private let retries: S3Retries

    package init(
        configuration: S3Configuration, retention: Duration, http: ServiceClient, clock: any WallClock = SystemClock(), logger: Logger
    ) {
        target = S3PoolTarget(configuration, retention: retention)
        client = S3Client(
            bucket: configuration.bucket, endpoint: configuration.endpoint, credentials: configuration.credentials, http: http,
            clock: clock, logger: logger)
        self.clock = clock
        retries = S3Retries(policy: .init(maxAttempts: 4), clock: clock)
    }

    /// Changes nothing.
    ///
    /// - Throws: `StorageError` when the service cannot be reached, or there are no credentials.
    package func plan() async throws -> S3PoolPlan {
        S3PoolPlan(target, try await state())
    }

    // MARK: Looking

    func state() async throws -> S3BucketState {
        let exists = try await existence()
        guard exists == .value(true) else { return S3BucketState(exists: exists) }
        var state = S3BucketState(exists: exists, region: try await region())
        // Elsewhere every further call would be about another region's bucket.
        if let region = state.region, region != target.endpoint.region, target.endpoint.isAWS { return state }
        state.ownership = try await read("getBucketOwnershipControls", "ownershipControls", absent: "OwnershipControlsNotFoundError") {
            answer in
            guard let document = try? S3XML(parsing: answer.body), document.name == "OwnershipControls" else { return nil }
            return .some(document["Rule"]?["ObjectOwnership"]?.text)
        }
        state.publicAccess = try await read(
            "getPublicAccessBlock", "publicAccessBlock", absent: "NoSuchPublicAccessBlockConfiguration",
            permission: "s3:GetBucketPublicAccessBlock"
        ) { answer in
            guard let document = try? S3XML(parsing: answer.body), document.name == "PublicAccessBlockConfiguration" else { return nil }
            return .some(S3PublicAccessBlock(document))
        }
        state.policy = try await read("getBucketPolicy", "policy", absent: "NoSuchBucketPolicy") { answer in
            guard let policy = try? S3BucketPolicy(json: Array(answer.body.readableBytesView)) else { return nil }
            return .some(policy)
        }
        state.lifecycle = try await lifecycle()
        return state
    }

    func lifecycle() async throws -> S3Known<S3Lifecycle?> {
        try await read(
            "getBucketLifecycle", "lifecycle", absent: "NoSuchLifecycleConfiguration", permission: "s3:GetLifecycleConfiguration"
        ) { answer in
            guard let document = try? S3XML(parsing: answer.body), document.name.hasSuffix("LifecycleConfiguration") else { return nil }
            return .some(S3Lifecycle(document, transitionDefault: answer.headers.first(name: Self.transitionField)))
        }
    }

    private static let transitionField = "x-amz-transition-default-minimum-object-size"

    private struct Answer {
        var headers: HTTPHeaders
        var body: ByteBuffer
    }

    func existence() async throws -> S3Known<Bool> {
        let head = S3Call("headBucket", .HEAD)
        guard var failure = try await ask(head).failure else { return .value(true) }
        if failure.status == 404 { return .value(false) }
        if failure.status == 403 {
            // An answer to HEAD cannot say why not; one to GET can.
            let list = S3Call("headBucket", .GET, query: [("list-type", "2"), ("max-keys", "0")])
            guard let said = try await ask(list).failure else { return .value(true) }
            failure = said
        }
        if Self.isUnsupported(failure) { return .unsupported }
        guard failure.status == 403, failure.code.isEmpty || failure.code == "AccessDenied" else {
            return .unknown(describe(failure, head))
        }
        return .unknown("permit s3:ListBucket on it, or name another bucket if this one is somebody else's (\(failure))")
    }

    /// Where the bucket is; `nil` when the service does not say.
    func region() async throws -> String? {
        // The client has been sent there already when it is not where it was thought to be.
        let known = client.endpoint.region
        guard known == target.endpoint.region else { return known }
        let answer = try await ask(S3Call("getBucketLocation", .GET, query: [("location", nil)]))
        guard answer.failure == nil, let document = try? S3XML(parsing: try await answer.body.collect(upTo: 65_536)),
            document.name == "LocationConstraint"
        else { return nil }
        // Amazon S3 API Reference, GetBucketLocation: the first region has no name, the first of Europe one of its own.
        switch document.text {
        case "": return target.endpoint.isAWS ? "us-east-1" : nil
        case "EU": return "eu-west-1"
        default: return document.text
        }
    }

    /// - Parameter parse: Returns `nil` for what is no answer to the question: some servers list the bucket instead.
    private func read<Value: Sendable & Equatable>(
        _ name: String, _ subresource: String, absent: String, permission: String? = nil, _ parse: (Answer) -> Value??
    ) async throws -> S3Known<Value?> {
        let call = S3Call(name, .GET, query: [(subresource, nil)])
        let answer = try await ask(call)
        guard let failure = answer.failure else {
            let body = try await answer.body.collect(upTo: 1 << 20)
            return parse(Answer(headers: answer.headers, body: body)).map { .value($0) } ?? .unsupported
        }
        if failure.code == absent { return .value(nil) }
        if Self.isUnsupported(failure) { return .unsupported }
        if failure.status == 403 {
            return .unknown("permit \(permission ?? "s3:\(name.prefix(1).uppercased())\(name.dropFirst())") (\(failure))")
        }
        return .unknown(describe(failure, call))
    }

    /// The service's answer, once throttling and passing errors were waited out.
    private func ask(_ call: S3Call) async throws -> S3Answer {
        try await retries.run { _ in
            let answer = try await client.answer(to: call)
            guard let failure = answer.failure else { return answer }
            let error = failure.storageError(call: call.name, bucket: client.bucket, subject: client.subject(of: call))
            // 501 is an answer, however transient a 5xx may look, and so is that somebody else has a bucket of the name.
            guard error.code.isTransient, !Self.isUnsupported(failure), !failure.code.hasPrefix("BucketAlready") else { return answer }
            throw error
        }
    }

    private func describe(_ failure: S3Failure, _ call: S3Call) -> String {
        failure.storageError(call: call.name, bucket: client.bucket, subject: client.subject(of: call)).message
    }

    /// What servers say to calls that they do not know.
    private static func isUnsupported(_ failure: S3Failure) -> Bool {
        ["NotImplemented", "MethodNotAllowed", "NotSupported", "XNotImplemented"].contains(failure.code) || failure.status == 405
            || failure.status == 501
    }

    // MARK: Doing

    package enum Outcome: Sendable, Equatable {
        case done
        case unsupported
        /// Why, in words that say what to do.
        case failed(String)
    }

    /// Does what was planned, one step after the other; stops when the bucket cannot be made.
    ///
    /// - Parameter report: Is told the outcome of each line that has a step.
    package func apply(_ plan: S3PoolPlan, report: (S3PoolPlan.Line, Outcome) -> Void) async throws {
        // What was just made or opened is not known everywhere at once.
        var isSettling = false
        for line in plan.lines {
            guard let step = line.step else { continue }
            let outcome = try await perform(step, isSettling: isSettling)
            report(line, outcome)
            switch (step, outcome) {
            case (.createBucket, .done), (.setPublicAccess, .done): isSettling = true
            case (.createBucket, _): return
            case (.setOwnership, _), (.setPublicAccess, _), (.setPolicy, _), (.removePolicy, _), (.setLifecycle, _): break
            }
        }
    }

    private func perform(_ step: S3PoolPlan.Step, isSettling: Bool) async throws -> Outcome {
        let call = call(for: step)
        var delay = Duration.milliseconds(500)
        for attempt in 1... {
            let failure: S3Failure
            do {
                guard let found = try await ask(call).failure else { return .done }
                failure = found
            } catch let error as StorageError {
                return .failed(error.message)
            }
            if Self.isUnsupported(failure) { return .unsupported }
            let maySettle = isSettling && ["AccessDenied", "NoSuchBucket", "OperationAborted"].contains(failure.code)
            guard maySettle, attempt < 6 else { return .failed(words(for: failure, call, step)) }
            try await clock.sleep(for: delay)
            delay *= 2
        }
        return .unsupported
    }

    private func words(for failure: S3Failure, _ call: S3Call, _ step: S3PoolPlan.Step) -> String {
        switch (failure.code, step) {
        case ("BucketAlreadyExists", _):
            return "somebody else has a bucket of this name: choose another one (\(failure))"
        case ("AccessDenied", .setPolicy):
            return
                "permit s3:PutBucketPolicy; if it is permitted, the account's own Block Public Access keeps the bucket from being public: allow it "
                + "there, or choose `access: presigned` (\(failure))"
        case ("AccessDenied", _): return "permit \(Self.permission(step)) (\(failure))"
        default: return describe(failure, call)
        }
    }

    private static func permission(_ step: S3PoolPlan.Step) -> String {
        switch step {
        case .createBucket: "s3:CreateBucket"
        case .setOwnership: "s3:PutBucketOwnershipControls"
        case .setPublicAccess: "s3:PutBucketPublicAccessBlock"
        case .setPolicy: "s3:PutBucketPolicy"
        case .removePolicy: "s3:DeleteBucketPolicy"
        case .setLifecycle: "s3:PutLifecycleConfiguration"
        }
    }

    private func call(for step: S3PoolPlan.Step) -> S3Call {
        switch step {
        case .createBucket: return .createBucket(in: target.endpoint)
        case .setOwnership:
            return .put(
                "putBucketOwnershipControls", subresource: "ownershipControls",
                "<OwnershipControls xmlns=\"\(S3Lifecycle.namespace)\"><Rule><ObjectOwnership>\(S3BucketState.ownerEnforced)</ObjectOwnership></Rule>"
                    + "</OwnershipControls>")
        case .setPublicAccess(let block): return .put("putPublicAccessBlock", subresource: "publicAccessBlock", block.xml)
        case .setPolicy(let policy):
            return .put(
                "putBucketPolicy", subresource: "policy", String(decoding: policy.json, as: UTF8.self), type: "application/json")
        case .removePolicy: return S3Call("deleteBucketPolicy", .DELETE, query: [("policy", nil)])
        case .setLifecycle(let lifecycle):
            var call = S3Call.put("putBucketLifecycle", subresource: "lifecycle", lifecycle.xml)
            if let value = lifecycle.transitionDefault { call.headers.append((Self.transitionField, value)) }
            return call
        }
    }
}
