import Crypto
package import Logging
package import MirrorCore
package import MirrorNet
package import MirrorStorage
import NIOCore
import NIOHTTP1
import Synchronization

/// Sends requests to one bucket: address, signature, the service's errors in our words.
///
/// What can be put right is put right once, and remembered: another region, a clock that is off, credentials that have ended, checksums that the service
/// does not know. Throttling and passing failures are the caller's to wait out.
package final class S3Client: Sendable {
    package let bucket: String

    private struct State {
        var endpoint: S3Endpoint
        var signer: S3Signer?
        var sendsChecksums = true
    }

    private let credentials: any S3CredentialsProvider
    private let http: ServiceClient
    private let wallClock: any WallClock
    private let clockOffset = ClockOffset()
    private let logger: Logger
    private let state: Mutex<State>

    /// Bytes of an answer that says why not.
    private static let maxFailureSize = 256 << 10

    package init(
        bucket: String, endpoint: S3Endpoint, credentials: any S3CredentialsProvider, http: ServiceClient,
        clock: any WallClock = SystemClock(), logger: Logger
    ) {
        self.bucket = bucket
        self.credentials = credentials
        self.http = http
        self.logger = logger
        wallClock = clock
        state = Mutex(State(endpoint: endpoint))
    }

    /// Where the bucket is known to be by now.
    package var endpoint: S3Endpoint { state.withLock { $0.endpoint } }

    /// Now, by the service's clock as far as it is known.
    var now: Timestamp { clockOffset.corrected(wallClock.now) }

    var clock: any WallClock { wallClock }

    /// Whether bodies in memory get a CRC32C beside them: over TLS, where the signature does not cover them.
    var sendsChecksums: Bool { state.withLock { $0.sendsChecksums && $0.endpoint.scheme == .https } }

    /// Sends a request and returns the answer that it was done.
    ///
    /// - Throws: ``StorageError`` for every other answer; what a streamed body threw, unchanged; `CancellationError`.
    package func send(_ call: S3Call) async throws -> S3Answer {
        let answer = try await answer(to: call)
        if let failure = answer.failure {
            throw failure.storageError(call: call.name, bucket: bucket, subject: subject(of: call))
        }
        return answer
    }

    /// Sends a request whose answer is a document.
    package func document(_ call: S3Call, limit: Int = 1 << 20) async throws -> S3XML {
        try await send(call).document(of: call.name, bucket: bucket, subject: subject(of: call), limit: limit)
    }

    /// Sends a request and returns what the service answers, whatever the status.
    ///
    /// - Throws: As ``send(_:)`` where there is no answer.
    package func answer(to call: S3Call) async throws -> S3Answer {
        var tried: Set<Correction> = []
        logger.trace("asking the service", metadata: ["call": "\(call.name)", "bucket": "\(bucket)"])
        while true {
            let (answer, used) = try await attempt(call)
            guard let failure = answer.failure else { return answer }
            guard let correction = await correction(for: failure, to: call, signedWith: used), tried.insert(correction).inserted,
                apply(correction, failure, answer, used)
            else { return answer }
            guard call.mayRepeat else {
                // The stream is gone, but the next one will get through.
                throw S3Error.odd("\(subject(of: call)) has to be sent again (\(failure))", call.name)
            }
        }
    }

    /// `object a/b of the bucket c`
    package func subject(of call: S3Call) -> String {
        call.key.map { "object \($0) in the bucket \(bucket)" } ?? "bucket \(bucket)"
    }

    /// Makes the bucket, in the endpoint's region and with the service's defaults otherwise.
    package func createBucket() async throws {
        _ = try await send(.createBucket(in: endpoint))
    }

    // MARK: Locations

    /// The address of an object, without a signature.
    package func url(ofKey key: String) -> String {
        let endpoint = endpoint
        let address = endpoint.address(bucket: bucket)
        return "\(endpoint.scheme.rawValue)://\(address.hostField)\(address.pathPrefix)\(S3PathEncoding.encode(key: key))"
    }

    /// An address of an object at which everybody may read it for a while.
    ///
    /// - Parameters:
    ///   - base: What stands in front of the key in place of the bucket's own address.
    ///   - life: Cut to what the service allows and to the credentials' life, less a minute.
    /// - Throws: `.permissionDenied` without credentials, or with some that end within a minute.
    package func presignedURL(ofKey key: String, base: ArtifactURL? = nil, life: Duration) async throws -> ObjectLocation {
        guard let credentials = try await currentCredentials(for: "location") else {
            throw StorageError(
                .permissionDenied, "nothing can be signed without credentials: configure some, or make the access public",
                operation: "\(S3Provider.service).location")
        }
        let (endpoint, signer) = signer(for: credentials)
        let encoded = S3PathEncoding.encode(key: key)
        let address = endpoint.address(bucket: bucket)
        let scheme = base?.scheme ?? endpoint.scheme
        let request = S3Request(
            method: "GET", host: base?.authority ?? address.hostField,
            path: base.map { "\($0.path)\($0.path.hasSuffix("/") ? "" : "/")\(encoded)" } ?? "\(address.pathPrefix)\(encoded)")
        let time = wallClock.now
        // The signature's time is cut to a whole second, and so is the life.
        var life = min(life + .seconds(2), S3Signer.presignedLives.upperBound)
        if let expires = credentials.expires { life = min(life, time.duration(to: expires) - Self.credentialMargin) }
        guard life >= .seconds(1) else {
            throw StorageError(
                .permissionDenied, "the credentials end before anybody could use an address: renew them",
                operation: "\(S3Provider.service).location")
        }
        let target = signer.presignedTarget(request, life: life, at: time)
        return ObjectLocation(
            url: "\(scheme.rawValue)://\(request.host)\(target)", expires: time + life - .seconds(1))
    }

    /// What a presigned address ends before its credentials do.
    private static let credentialMargin: Duration = .seconds(60)

    // MARK: One attempt

    private func attempt(_ call: S3Call) async throws -> (S3Answer, S3Credentials?) {
        do {
            let credentials = try await credentials.credentials()
            let response = try await http.send(request(call, credentials))
            return (try await answer(from: response, to: call), credentials)
        } catch {
            throw S3Error.mapping(error, call: call.name)
        }
    }

    private func currentCredentials(for call: String) async throws -> S3Credentials? {
        do {
            return try await credentials.credentials()
        } catch {
            throw S3Error.mapping(error, call: call)
        }
    }

    private func signer(for credentials: S3Credentials) -> (S3Endpoint, S3Signer) {
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
            call.key.map { address.pathPrefix + S3PathEncoding.encode(key: $0) }
            // The bucket itself, by path, is addressed without the slash behind it.
            ?? (address.pathPrefix == "/" ? "/" : String(address.pathPrefix.dropLast()))
        var signed = S3Request(
            method: call.method.rawValue, host: address.hostField, path: path, query: call.query, headers: call.headers)
        var body: ServiceRequest.Body
        switch call.body {
        case .none: body = .none
        case .bytes(let buffers): body = .bytes(buffers)
        case .stream(let stream, let length): body = .stream(ServiceBody(stream), length: length)
        }
        if let credentials {
            let (_, signer) = signer(for: credentials)
            let time = wallClock.now
            switch call.body {
            case .none: signed = signer.sign(signed, payload: .empty, at: time)
            case .bytes(let buffers):
                signed = signer.sign(signed, payload: endpoint.scheme == .https ? .unsigned : Self.hash(buffers), at: time)
            case .stream(let stream, let length):
                if let protection = protection(of: endpoint) {
                    let payload = ChunkedPayload(decodedLength: length, protection: protection)
                    let (request, chunked) = signer.sign(signed, body: stream, as: payload, at: time)
                    signed = request
                    body = .stream(ServiceBody(chunked), length: payload.encodedLength)
                } else {
                    signed = signer.sign(signed, payload: .unsigned, at: time)
                }
            }
        }
        var headers = HTTPHeaders(signed.headers.map { ($0.name, $0.value) })
        headers.replaceOrAdd(name: "Host", value: address.hostField)
        return ServiceRequest(
            method: call.method, scheme: endpoint.scheme, host: address.host, port: endpoint.port, target: signed.target, headers: headers,
            body: body)
    }

    /// How a stream is guarded; `nil` where TLS has to do because the service knows no checksums.
    private func protection(of endpoint: S3Endpoint) -> ChunkedPayload.Protection? {
        if endpoint.scheme == .http { return .signed(trailer: nil) }
        return sendsChecksums ? .unsigned(trailer: .crc32c) : nil
    }

    private static func hash(_ buffers: [ByteBuffer]) -> PayloadHash {
        var hash = SHA256()
        for buffer in buffers { buffer.withUnsafeReadableBytes { hash.update(bufferPointer: $0) } }
        return .sha256(hex: Hex.encode(hash.finalize()))
    }

    private func answer(from response: ServiceResponse, to call: S3Call) async throws -> S3Answer {
        guard response.status >= 300, response.status != 304 else {
            return S3Answer(
                status: response.status, headers: response.headers, body: ByteStream(S3Body(base: response.body, call: call.name)))
        }
        var body = ByteBuffer()
        for try await var chunk in response.body {
            // The rest is dropped, and the connection with it.
            guard body.readableBytes + chunk.readableBytes <= Self.maxFailureSize else { break }
            body.writeBuffer(&chunk)
        }
        return S3Answer(
            status: response.status, headers: response.headers, body: ByteStream(body),
            failure: S3Failure(status: response.status, headers: response.headers, body: body))
    }

    // MARK: Putting right

    private enum Correction: Hashable {
        case region(String)
        case clock
        case credentials
        case checksums
    }

    private func correction(for failure: S3Failure, to call: S3Call, signedWith used: S3Credentials?) async -> Correction? {
        var code = failure.code
        if call.method == .HEAD, call.key != nil, failure.status == 400 || failure.status == 403 {
            // An answer to HEAD cannot say why not; one to GET can.
            code = await reason(of: call)?.code ?? code
        }
        if let region = failure.region, region != endpoint.region, failure.status != 404, failure.status != 403 || code != "AccessDenied" {
            switch failure.status {
            case 301, 307, 308, 400: return .region(region)
            default: break
            }
            if code == "AuthorizationHeaderMalformed" { return .region(region) }
        }
        switch code {
        case "RequestTimeTooSkewed": return .clock
        case "ExpiredToken", "TokenRefreshRequired": return used == nil ? nil : .credentials
        case "NotImplemented" where sendsChecksums && call.hasBody: return .checksums
        default: return nil
        }
    }

    private func reason(of call: S3Call) async -> S3Failure? {
        let question = S3Call(call.name, .GET, key: call.key, query: call.query, headers: [("range", "bytes=0-0")])
        return try? await attempt(question).0.failure
    }

    /// - Returns: Whether another attempt has a chance.
    private func apply(_ correction: Correction, _ failure: S3Failure, _ answer: S3Answer, _ used: S3Credentials?) -> Bool {
        switch correction {
        case .region(let region):
            state.withLock { $0.endpoint = $0.endpoint.moved(to: region) }
            logger.warning(
                "the bucket is in another region than configured; its own is used from now on",
                metadata: ["bucket": "\(bucket)", "region": "\(region)"])
            return true
        case .clock:
            guard let date = answer.headers.first(name: "date"), clockOffset.learn(date: date, at: wallClock.now) else { return false }
            logger.warning(
                "this machine's clock is off; requests are signed with the service's time from now on",
                metadata: ["bucket": "\(bucket)", "offset": "\(clockOffset.value)"])
            return true
        case .credentials:
            guard let used else { return false }
            credentials.invalidate(used)
            logger.info("the service refused credentials as expired; new ones are asked for", metadata: ["bucket": "\(bucket)"])
            return true
        case .checksums:
            state.withLock { $0.sendsChecksums = false }
            logger.warning("the service does not know checksums; none are sent from now on", metadata: ["bucket": "\(bucket)"])
            return true
        }
    }
}

extension S3Call {
    fileprivate var hasBody: Bool {
        if case .none = body { false } else { true }
    }
}

/// The body of an answer, with errors in our words.
private struct S3Body: AsyncSequence, Sendable {
    let base: ServiceResponseBody
    let call: String

    struct AsyncIterator: AsyncIteratorProtocol {
        var base: ServiceResponseBody.AsyncIterator
        let call: String

        mutating func next() async throws -> ByteBuffer? {
            do {
                return try await base.next()
            } catch {
                throw S3Error.mapping(error, call: call)
            }
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(base: base.makeAsyncIterator(), call: call) }
}
