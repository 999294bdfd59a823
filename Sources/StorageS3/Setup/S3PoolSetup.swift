import Logging
import MirrorCore
import MirrorNet
import MirrorStorage
import NIOCore
import NIOHTTP1
import StorageCloud

/// Sets up a pool's bucket: examines it, makes a plan, and performs it.
struct S3PoolSetup: Sendable {
    let configuration: S3Configuration
    let target: S3PoolTarget
    let client: S3Client
    let clock: any MirrorClock
    let retries: StepRetry

    init(
        configuration: S3Configuration, retention: Duration, http: ServiceClient, clock: any MirrorClock = SystemClock(), logger: Logger
    ) {
        self.configuration = configuration
        target = S3PoolTarget(configuration, retention: retention)
        client = S3Client(
            bucket: configuration.bucket, endpoint: configuration.endpoint, credentials: configuration.credentials,
            quirks: configuration.quirks, http: http, clock: clock, logger: logger)
        self.clock = clock
        retries = StepRetry(policy: .init(maxAttempts: 4), clock: clock)
    }

    /// Changes nothing.
    ///
    /// - Throws: `StorageError` if the service cannot be reached, or there are no credentials.
    func plan() async throws -> S3PoolPlan {
        S3PoolPlan(target, try await state())
    }

    // MARK: Looking

    func state() async throws -> S3BucketState {
        let exists = try await existence()
        switch exists {
        case .value(true): break
        // Some servers say even about a missing bucket what they do not support; the others say so only about an existing one.
        case .value(false): return try await settings(of: S3BucketState(exists: exists)).withSupportAlone
        case .unsupported, .unknown: return S3BucketState(exists: exists)
        }
        let state = S3BucketState(exists: exists, region: try await region())
        // If the bucket is in another region, all further calls would fail for that reason.
        if let region = state.region, region != target.endpoint.region, target.endpoint.isAWS { return state }
        return try await settings(of: state)
    }

    private func settings(of bucket: S3BucketState) async throws -> S3BucketState {
        var state = bucket
        state.ownership = try await read("getBucketOwnershipControls", "ownershipControls", absent: "OwnershipControlsNotFoundError") {
            answer in
            guard let document = try? XMLTree(parsing: answer.body), document.name == "OwnershipControls" else { return nil }
            return .some(document["Rule"]?["ObjectOwnership"]?.text)
        }
        state.publicAccess = try await read(
            "getPublicAccessBlock", "publicAccessBlock", absent: "NoSuchPublicAccessBlockConfiguration",
            permission: "s3:GetBucketPublicAccessBlock"
        ) { answer in
            guard let document = try? XMLTree(parsing: answer.body), document.name == "PublicAccessBlockConfiguration" else { return nil }
            return .some(S3PublicAccessBlock(document))
        }
        state.policy = try await read("getBucketPolicy", "policy", absent: "NoSuchBucketPolicy") { answer in
            guard let policy = try? S3BucketPolicy(json: Array(answer.body.readableBytesView)) else { return nil }
            return .some(policy)
        }
        state.lifecycle = try await lifecycle()
        return state
    }

    func lifecycle() async throws -> KnownSetting<S3Lifecycle?> {
        try await read(
            "getBucketLifecycle", "lifecycle", absent: "NoSuchLifecycleConfiguration", permission: "s3:GetLifecycleConfiguration"
        ) { answer in
            guard let document = try? XMLTree(parsing: answer.body), document.name.hasSuffix("LifecycleConfiguration") else { return nil }
            return .some(S3Lifecycle(document, transitionDefault: answer.headers.first(name: Self.transitionField)))
        }
    }

    static let transitionField = "x-amz-transition-default-minimum-object-size"

    private struct Answer {
        var headers: HTTPHeaders
        var body: ByteBuffer
    }

    func existence() async throws -> KnownSetting<Bool> {
        let head = S3Call("headBucket", .HEAD)
        guard var failure = try await ask(head).failure else { return .value(true) }
        if failure.status == 404 { return .value(false) }
        if failure.status == 403, failure.code.isEmpty {
            // Without the permission for this call, listing may still be permitted.
            let list = S3Call("headBucket", .GET, query: [("list-type", "2"), ("max-keys", "0")])
            guard let said = try await ask(list).failure else { return .value(true) }
            failure = said
        }
        if failure.isUnsupported { return .unsupported }
        guard failure.status == 403, failure.code.isEmpty || failure.code == "AccessDenied" else {
            return .unknown(client.error(failure, head).message)
        }
        return .unknown("permit s3:ListBucket on it, or name another bucket if this one is somebody else's (\(failure))")
    }

    /// The bucket's region; `nil` if the service does not state it.
    func region() async throws -> String? {
        // If the bucket is elsewhere, the client has already been redirected there.
        let known = client.endpoint.region
        guard known == target.endpoint.region else { return known }
        let answer = try await ask(S3Call("getBucketLocation", .GET, query: [("location", nil)]))
        guard answer.failure == nil, let document = try? XMLTree(parsing: try await answer.body.collect(upTo: 65_536)),
            document.name == "LocationConstraint"
        else { return nil }
        // Amazon S3 API Reference, GetBucketLocation: us-east-1 has no name, and eu-west-1 a special one.
        switch document.text {
        case "": return target.endpoint.isAWS ? "us-east-1" : nil
        case "EU": return "eu-west-1"
        case let text: return S3Region.isName(text) ? text : nil
        }
    }

    /// - Parameter parse: Returns `nil` if the document is not an answer to the request: some servers list the bucket instead.
    private func read<Value: Sendable & Equatable>(
        _ name: String, _ subresource: String, absent: String, permission: String? = nil, _ parse: (Answer) -> Value??
    ) async throws -> KnownSetting<Value?> {
        let call = S3Call(name, .GET, query: [(subresource, nil)])
        let answer = try await ask(call)
        guard let failure = answer.failure else {
            let body = try await answer.body.collect(upTo: 1 << 20)
            return parse(Answer(headers: answer.headers, body: body)).map { .value($0) } ?? .unsupported
        }
        if failure.code == absent { return .value(nil) }
        // A server that takes the setting's name for an object's name, or ignores it.
        if failure.status == 404, failure.code.isEmpty || failure.code == "NoSuchKey" { return .unsupported }
        if failure.isUnsupported { return .unsupported }
        // Amazon's own service supports all of these requests.
        if failure.status == 400, !failure.isAboutCaller, !target.endpoint.isAWS { return .unsupported }
        if failure.status == 403 {
            return .unknown("permit \(permission ?? "s3:\(name.prefix(1).uppercased())\(name.dropFirst())") (\(failure))")
        }
        return .unknown(client.error(failure, call).message)
    }

    /// The service's answer, after waiting out throttling and temporary errors.
    func ask(_ call: S3Call) async throws -> S3Answer {
        // "Someone else owns a bucket with this name" is an answer.
        try await retries.answer(of: client, to: call, isAnswer: { $0.code.hasPrefix("BucketAlready") })
    }
}
