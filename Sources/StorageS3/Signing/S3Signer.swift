package import MirrorCore
package import NIOCore
package import StorageCloud

/// AWS Signature Version 4 for S3: in header fields, in a URL's query, and over a body in chunks.
///
/// Create one for each pair of credentials and region, and keep it: it caches the key of the day.
package struct S3Signer: Sendable {
    /// How long a presigned URL may be valid: the service refuses more than seven days.
    package static let presignedLives: ClosedRange<Duration> = .seconds(1) ... .seconds(604_800)

    package let credentials: S3Credentials
    package let region: String
    package var service = "s3"
    /// Corrects every time that is passed to a method.
    package var clock = ClockOffset()
    private let scopes = SigningScopeCache()

    // MARK: Header fields

    /// Adds `x-amz-date`, `x-amz-content-sha256`, `x-amz-security-token` if there is one, and `authorization`; for a body in chunks also
    /// `content-encoding`, `x-amz-decoded-content-length` and `x-amz-trailer`. Replaces an existing signature.
    package func sign(_ request: SignableRequest, payload: PayloadHash, at time: Timestamp) -> SignableRequest {
        signed(request, payload: payload, at: time).request
    }

    /// Signs a request whose body is sent in chunks.
    ///
    /// - Parameter body: Must have exactly as many bytes as `payload` states.
    /// - Returns: The request, and its encoded body, which is ``ChunkedPayload/encodedLength`` bytes long.
    package func sign<Body: AsyncSequence & Sendable>(
        _ request: SignableRequest, body: Body, as payload: ChunkedPayload, at time: Timestamp
    ) -> (request: SignableRequest, body: S3ChunkedBody<Body>) where Body.Element == ByteBuffer {
        let signed = signed(request, payload: .chunked(payload), at: time)
        let signer = ChunkSigner(scope: signed.scope, dateTime: signed.dateTime, previous: signed.signature)
        return (signed.request, S3ChunkedBody(base: body, encoder: ChunkEncoder(payload, signer: signer)))
    }

    private struct Signed {
        var request: SignableRequest
        let signature: String
        let dateTime: String
        let scope: SigningScope
    }

    private func signed(_ request: SignableRequest, payload: PayloadHash, at time: Timestamp) -> Signed {
        let time = SigningTime(clock.corrected(time))
        let scope = scope(day: time.day)
        var request = request
        request.removeHeader("authorization")
        request.setHeader("x-amz-date", time.dateTime)
        request.setHeader("x-amz-content-sha256", payload.fieldValue)
        request.removeHeader("x-amz-security-token")
        if let token = credentials.sessionToken { request.headers.append(("x-amz-security-token", token)) }
        if case .chunked(let payload) = payload { payload.addHeaders(to: &request) }

        let canonical = CanonicalRequest(request, query: CanonicalQuery(request.query).signed, payloadHash: payload.fieldValue)
        let signature = scope.signature(of: Self.stringToSign(canonical, time: time, scope: scope))
        request.headers.append(
            (
                "authorization",
                "\(Self.algorithm) Credential=\(credentials.accessKeyID)/\(scope.text), SignedHeaders=\(canonical.signedHeaders), Signature=\(signature)"
            ))
        return Signed(request: request, signature: signature, dateTime: time.dateTime, scope: scope)
    }

    // MARK: Presigned URLs

    private enum QueryName {
        static let algorithm = "X-Amz-Algorithm"
        static let credential = "X-Amz-Credential"
        static let date = "X-Amz-Date"
        static let expires = "X-Amz-Expires"
        static let securityToken = "X-Amz-Security-Token"
        static let signedHeaders = "X-Amz-SignedHeaders"
        static let signature = "X-Amz-Signature"
        static let all: Set<String> = [algorithm, credential, date, expires, securityToken, signedHeaders, signature]
    }

    /// The request's target with the signature in its query, so that anybody who has the URL can use it until it expires.
    ///
    /// The body is not signed. The request's header fields are signed, so the same fields must be sent.
    /// - Parameter life: Rounded down to whole seconds, limited to ``presignedLives`` and to the credentials' expiry.
    package func presignedTarget(_ request: SignableRequest, life: Duration, at time: Timestamp) -> String {
        let corrected = clock.corrected(time)
        let time = SigningTime(corrected)
        let scope = scope(day: time.day)
        let headers = CanonicalRequest.headers(of: request)
        var items = request.query
        items.removeAll { QueryName.all.contains($0.name) }
        items += [
            (QueryName.algorithm, Self.algorithm),
            (QueryName.credential, "\(credentials.accessKeyID)/\(scope.text)"),
            (QueryName.date, time.dateTime),
            (QueryName.expires, "\(seconds(of: life, from: corrected))"),
            (QueryName.signedHeaders, CanonicalRequest.names(of: headers)),
        ]
        if let token = credentials.sessionToken { items.append((QueryName.securityToken, token)) }
        let query = CanonicalQuery(items).signed
        let canonical = CanonicalRequest(request, query: query, headers: headers, payloadHash: PayloadHash.unsignedText)
        let signature = scope.signature(of: Self.stringToSign(canonical, time: time, scope: scope))
        return "\(request.path)?\(query)&\(QueryName.signature)=\(signature)"
    }

    private func seconds(of life: Duration, from time: Timestamp) -> Int64 {
        var life = life
        if let expires = credentials.expires { life = min(life, time.duration(to: expires)) }
        life = min(max(life, Self.presignedLives.lowerBound), Self.presignedLives.upperBound)
        return life.wholeMilliseconds / 1_000
    }

    // MARK: What both have in common

    static let algorithm = "AWS4-HMAC-SHA256"

    private func scope(day: String) -> SigningScope {
        scopes.scope(day: day) {
            SigningScope(.amazon, secret: credentials.secretAccessKey, day: day, region: region, service: service)
        }
    }

    private static func stringToSign(_ canonical: CanonicalRequest, time: SigningTime, scope: SigningScope) -> String {
        "\(algorithm)\n\(time.dateTime)\n\(scope.text)\n\(canonical.hash)"
    }
}
