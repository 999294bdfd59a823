import MirrorCore
import MirrorNet
import MirrorStorage
import NIOCore
import NIOHTTP1
import StorageCloud
import Synchronization

/// Makes one attempt at a request.
extension S3Client {
    /// Statuses of answers to HEAD that do not say why.
    private static let unexplained: Set<Int> = [301, 307, 308, 400, 401, 403]

    struct Attempt {
        var answer: S3Answer
        /// The optional additions that the request had.
        var extras: Set<S3Quirk> = []
        /// The credentials that signed the request.
        var credentials: S3Credentials?
        /// The offset of the service's clock that was assumed then.
        var clockOffset: Duration
    }

    func attempt(_ call: S3Call, _ trial: S3QuirkTrial) async throws -> Attempt {
        var decorated = call
        var extras: Set<S3Quirk> = []
        for extra in call.extras {
            if trial.has(extra.quirk) {
                extra.add(&decorated)
                extras.insert(extra.quirk)
            } else {
                try await extra.instead?()
            }
        }
        var attempt = try await attempt(decorated)
        attempt.extras = extras
        if call.method == .HEAD, let failure = attempt.answer.failure, failure.code.isEmpty, Self.unexplained.contains(failure.status),
            let said = await explanation(of: call)
        {
            attempt.answer.failure = failure.explained(by: said)
        }
        return attempt
    }

    private func attempt(_ call: S3Call) async throws -> Attempt {
        do {
            let credentials = try await credentials.credentials()
            let offset = clockOffset.value
            let response = try await http.send(request(call, credentials))
            return Attempt(answer: try await S3Answer(response, to: call.name), credentials: credentials, clockOffset: offset)
        } catch {
            throw CloudErrors.s3.mapping(error, call: call.name)
        }
    }

    /// Repeats a refused HEAD as a GET, whose answer has a body that says why.
    private func explanation(of call: S3Call) async -> S3Failure? {
        var question = S3Call(call.name, .GET, key: call.key, query: call.query)
        if call.key == nil {
            question.query += [("list-type", "2"), ("max-keys", "0")]
        } else {
            question.headers.append(("range", "bytes=0-0"))
        }
        return try? await attempt(question).answer.failure
    }

    func signer(for credentials: S3Credentials) -> (S3Endpoint, S3Signer) {
        state.withLock { state in
            if let signer = state.signer, signer.credentials == credentials, signer.region == state.endpoint.region {
                return (state.endpoint, signer)
            }
            let signer = S3Signer(credentials: credentials, region: state.endpoint.region, clock: clockOffset)
            state.signer = signer
            return (state.endpoint, signer)
        }
    }

    private func request(_ call: S3Call, _ credentials: S3Credentials?) -> ServiceRequest {
        let endpoint = endpoint
        let address = endpoint.address(bucket: bucket)
        let path =
            call.key.map { address.pathPrefix + PercentCoding.encode(path: $0) }
            // With path addressing, the bucket itself has no trailing slash.
            ?? (address.pathPrefix == "/" ? "/" : String(address.pathPrefix.dropLast()))
        var signed = SignableRequest(
            method: call.method.rawValue, host: address.hostField, path: path, query: call.query, headers: call.headers)
        let signer = credentials.map { self.signer(for: $0).1 }
        let isTLS = endpoint.scheme == .https
        var body = call.body.content
        let payload: PayloadHash =
            switch call.body {
            case .none: .empty
            case .bytes(let buffers):
                isTLS || signer == nil ? .unsigned : call.sha256.map { PayloadHash.sha256(hex: $0.hex) } ?? PayloadHash(of: buffers)
            case .stream: .unsigned
            }
        if let signer, call.guardsStream, case .stream(let stream, let length) = call.body {
            let chunks = ChunkedPayload(decodedLength: length, protection: isTLS ? .checked : .signed)
            let (request, chunked) = signer.sign(signed, body: stream, as: chunks, at: clock.now)
            signed = request
            body = .stream(ServiceBody(chunked), length: chunks.encodedLength)
        } else if let signer {
            signed = signer.sign(signed, payload: payload, at: clock.now)
        }
        return signed.sent(to: endpoint, host: address.host, body: body, isDeletion: call.name == "delete")
    }

    /// The same call with protection for a stream: a checksum after it if TLS is used, otherwise a signature of each chunk.
    func offeringGuard(_ call: S3Call) -> S3Call {
        guard case .stream = call.body else { return call }
        var call = call
        call.offer(endpoint.scheme == .https ? .trailer : .signedChunks) { $0.guardsStream = true }
        return call
    }
}
