import Crypto
import Logging
import MirrorCore
import MirrorNet
import MirrorStorage
import NIOCore
import NIOHTTP1
import StorageCloud
import Synchronization

/// One attempt at a request.
extension GCSClient {
    struct Attempt {
        var answer: GCSAnswer
        /// What the request was authorized with; `nil` for none.
        var credentials: GCSCredentials?
        /// Whether the service's clock is better known than when the request was made.
        var isTimeNews: Bool
    }

    /// What the clocks may differ by without anybody's caring.
    private static let clockTolerance: Duration = .seconds(60)

    func attempt(_ call: GCSCall) async throws -> Attempt {
        do {
            // A session's address is its own authorization.
            let used: GCSCredentials? =
                if case .session = call.place { nil } else { try await credentials.credentials() }
            let offset = clockOffset.value
            let response = try await http.send(request(call, used))
            clockOffset.learn(from: response.headers, at: clock.now, tolerance: Self.clockTolerance, logger)
            return Attempt(
                answer: try await GCSAnswer(response, to: call.name, expected: call.expected), credentials: used,
                isTimeNews: clockOffset.value != offset)
        } catch {
            throw CloudErrors.gcs.mapping(error, call: call.name)
        }
    }

    private func request(_ call: GCSCall, _ credentials: GCSCredentials?) throws -> ServiceRequest {
        var signed = SignableRequest(
            method: call.method.rawValue, host: endpoint.authority, path: path(of: call), query: call.query, headers: call.headers)
        // Without it, what is stored compressed comes decompressed, and ranges of it not at all (Cloud Storage, "Transcoding of gzip-compressed files").
        if case .object = call.place, call.method == .GET || call.method == .HEAD { signed.setHeader("accept-encoding", "gzip") }
        if let credentials { signed = try authorized(signed, call, credentials) }
        return signed.sent(to: endpoint, body: call.body.content, isDeletion: call.name == "delete")
    }

    private func authorized(
        _ request: SignableRequest, _ call: GCSCall, _ credentials: GCSCredentials
    ) throws -> SignableRequest {
        switch credentials.authorization {
        case .token(let token):
            var request = request
            request.setHeader("authorization", "Bearer \(token)")
            if let project = credentials.quotaProject { request.setHeader("x-goog-user-project", project) }
            return request
        case .keys(let keys):
            if case .json = call.place {
                throw CloudErrors.gcs.error(
                    .unsupported, "the service accepts HMAC keys only for objects: this needs a service account", call.name)
            }
            return signer(keys).sign(request, payloadHash: payloadHash(of: call.body), at: now)
        }
    }

    private func path(of call: GCSCall) -> String {
        switch call.place {
        case .bucket: endpoint.path(of: bucket)
        case .object(let key): endpoint.path(ofKey: key, in: bucket)
        case .json(let path), .session(let path): path
        }
    }

    private func signer(_ keys: GCSKeys) -> GCSHeaderSigner {
        headerSigner.withLock { held in
            if let held, held.keys == keys { return held }
            let signer = GCSHeaderSigner(keys: keys)
            held = signer
            return signer
        }
    }

    private func payloadHash(of body: CallBody) -> String {
        switch body {
        case .none: Hex.encode(SHA256.hash(of: ""))
        case .stream: GCSHeaderSigner.unsignedPayload
        case .bytes(let buffers): endpoint.scheme == .https ? GCSHeaderSigner.unsignedPayload : Self.hash(buffers)
        }
    }

    private static func hash(_ buffers: [ByteBuffer]) -> String {
        var hash = SHA256()
        for buffer in buffers { buffer.withUnsafeReadableBytes { hash.update(bufferPointer: $0) } }
        return Hex.encode(hash.finalize())
    }
}
