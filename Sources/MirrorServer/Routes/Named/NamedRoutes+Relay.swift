import HTTPTypes
import Hummingbird
import MirrorCore
import MirrorEngine
import MirrorNet
import MirrorSettings
import MirrorStorage
import NIOCore
import NIOHTTP1
import NamedOrigins

/// An origin's answer, passed on as it arrives; nothing is stored.
extension NamedRoutes {
    /// - Parameter authorization: Of the client, for an origin that is shown it.
    /// - Parameter end: By when the origin's answer has to begin. For a POST, time is counted anew when the client has sent all of it.
    /// - Throws: ``RequestError``, also when the client's network has no claim left for it; ``ClientHasLeft`` before the answer begins.
    func relay(
        _ call: NamedCall, _ request: Request, _ context: MirrorRequestContext, authorization: String? = nil,
        until end: ContinuousClock.Instant
    ) async throws -> Response {
        if let response = again(call, request, until: end) { return response }
        guard request.method == .post || services.clock.instant < end else { throw Self.tooSlow(call) }
        guard isPaid(request, context) else { throw Self.overBudget(call) }
        let (network, sharer) = (network(request, context), sharer(request, context))
        guard let method = OutboundRequest.Method(rawValue: request.method.rawValue) else {
            throw RequestError(.methodNotAllowed, "this address supports only GET, HEAD, POST", headers: [.allow: "GET, HEAD, POST"])
        }
        var headers: [(name: String, value: String)] = []
        for name in Self.askedFields {
            if let value = request.headers[name] { headers.append((name.canonicalName, value)) }
        }
        var outbound = OutboundRequest(method, call.url, headers: headers)
        let held = relays.memory.holding(for: sharer)
        defer { withExtendedLifetime(held) {} }
        if method == .post {
            let body = try await body(of: request, held)
            // With its own credentials, a client may ask for whatever it may do there.
            if call.rule.kind == .rewritten(.lfs), call.origin.credentials != .client { try Self.checkDownload(body, call) }
            outbound.body = body
        }
        let (asked, upstream) = (outbound, services.upstream)
        let latest = method == .post ? deadline(of: request, call) : end
        let place = try await place(for: call, sharer, until: latest, context.client)
        let found: OutboundResponse?
        do {
            found = try await leaving(after: services.clock.instant.duration(to: latest), by: services.clock, for: context.client) {
                try await upstream.send(asked, to: call.origin, authorization: authorization.map { Secret($0) }, until: latest)
            }
        } catch let error as OutboundError {
            // The policy does not bind clients.
            if case .redirectRefused = error.code, !call.origin.answersOnlyUs { return toOrigin(call, .copyFailed).response(to: request) }
            throw RequestError(error).about(call.url)
        }
        guard let answer = found else { throw Self.tooSlow(call) }
        guard !(300..<304).contains(answer.status), !(305..<400).contains(answer.status) else {
            throw RequestError(.originError, "the origin redirects a POST").about(call.url)
        }
        if call.rule.kind == .rewritten(.lfs), answer.status == 200, authorization == nil {
            defer { withExtendedLifetime(place) {} }
            return try await batch(
                answer, call, request, relays.memory.holding(for: sharer), until: latest, context.client, charge: charge(to: network))
        }
        return response(
            answer, isHead: method == .head, passesChallenge: call.origin.credentials == .client, place, charge: charge(to: network))
    }

    /// Others may be slow to take what the origin has sent them.
    private func place(
        for call: NamedCall, _ sharer: ClientNetwork?, until end: ContinuousClock.Instant, _ client: ClientPresence?
    ) async throws -> RelayPlaces.Place {
        let (places, origin) = (relays.places, "\(call.url.scheme.rawValue)://\(call.url.authority)")
        let found = try await leaving(after: services.clock.instant.duration(to: end), by: services.clock, for: client) {
            try await places.place(at: origin, for: sharer)
        }
        guard let place = found else {
            throw RequestError(.unavailable, "too many answers of this origin are being passed on; try again later").about(call.url)
        }
        return place
    }

    private func body(of request: Request, _ held: RelayMemory.Holding) async throws -> ByteBuffer {
        var body = ByteBuffer()
        for try await chunk in request.body {
            guard body.readableBytes + chunk.readableBytes <= WarmCall.maxBody else {
                throw RequestError(.tooLarge, "the request's body is too large")
            }
            try held.hold(body.readableBytes + chunk.readableBytes)
            body.writeImmutableBuffer(chunk)
        }
        return body
    }

    /// - Throws: ``RequestError`` for anything but a question where to download objects of Git LFS: the answer would let the client write.
    private static func checkDownload(_ body: ByteBuffer, _ call: NamedCall) throws(RequestError) {
        let question: LFSQuestion
        do throws(JSONBody.Flaw) {
            question = try JSONBody.decode(Array(body.readableBytesView))
        } catch {
            throw RequestError(.inputError, "the body is not a request for objects of Git LFS: \(error.reason)").about(call.url)
        }
        guard question.isDownload else {
            throw RequestError(.forbidden, "objects of Git LFS can only be downloaded through this mirror; upload them to the origin")
                .about(call.url)
        }
    }

    /// Where objects of Git LFS are, with links that lead through the mirror.
    private func batch(
        _ answer: OutboundResponse, _ call: NamedCall, _ request: Request, _ held: RelayMemory.Holding,
        until end: ContinuousClock.Instant, _ client: ClientPresence?, charge: @escaping @Sendable (Int64) -> Void
    ) async throws -> Response {
        let (prefix, links) = (prefix(for: call, request), services.named.value.links(of: call.origin))
        let read: [UInt8]??
        do {
            read = try await leaving(after: services.clock.instant.duration(to: end), by: services.clock, for: client) {
                try await LFSBatch.read(answer, prefix: prefix, map: links) { try held.hold($0) }
            }
        } catch let error as OutboundError {
            throw RequestError(error).about(call.url)
        }
        guard let found = read, let body = found else {
            throw RequestError(.originError, "the origin's answer for Git LFS objects is too large, too slow, or not JSON").about(
                call.url)
        }
        try held.hold(body.count)
        charge(Int64(body.count))
        var fields = fields(of: answer, passesChallenge: false)
        fields[.contentEncoding] = nil
        fields[.eTag] = nil
        fields[.contentLength] = String(body.count)
        return Response(
            status: .ok, headers: fields,
            body: ResponseBody(contentLength: body.count) { writer in
                // Piece by piece: what a client is slow to read waits here, where it is counted.
                for start in stride(from: 0, to: body.count, by: Self.pieceSize) {
                    try await writer.write(ByteBuffer(bytes: body[start..<min(start + Self.pieceSize, body.count)]))
                }
                try await writer.finish(nil)
                withExtendedLifetime(held) {}
            })
    }

    /// Bytes.
    private static let pieceSize = 64 << 10

    private static func tooSlow(_ call: NamedCall) -> RequestError {
        RequestError(.originError, "the origin does not answer in time", status: .gatewayTimeout).about(call.url)
    }

    static func overBudget(_ call: NamedCall) -> RequestError {
        RequestError(.unavailable, "your network has used up its budget for requests to origins; try again later").about(call.url)
    }

    private func response(
        _ answer: OutboundResponse, isHead: Bool, passesChallenge: Bool, _ place: RelayPlaces.Place,
        charge: @escaping @Sendable (Int64) -> Void
    ) -> Response {
        var fields = fields(of: answer, passesChallenge: passesChallenge)
        let status = HTTPResponse.Status(code: answer.status)
        let length = answer.headers.contains(name: "transfer-encoding") ? nil : answer.contentLength
        if let length, status != .noContent, status != .notModified { fields[.contentLength] = String(length) }
        guard !isHead, status != .noContent, status != .notModified else { return Response(status: status, headers: fields) }
        return Response(
            status: status, headers: fields,
            body: ResponseBody(contentLength: length.flatMap { Int(exactly: $0) }) { writer in
                for try await chunk in answer.body {
                    charge(Int64(chunk.readableBytes))
                    try await writer.write(chunk)
                }
                try await writer.finish(nil)
                withExtendedLifetime(place) {}
            })
    }

    private func fields(of answer: OutboundResponse, passesChallenge: Bool) -> HTTPFields {
        var fields = HTTPFields()
        for (name, value) in answer.headers {
            guard let name = HTTPField.Name(name), Self.answeredFields.contains(name) || (passesChallenge && name == .wwwAuthenticate),
                HTTPField.isValidValue(value)
            else { continue }
            fields.append(HTTPField(name: name, value: value))
        }
        fields[.cacheControl] = "no-store"
        fields[.xContentTypeOptions] = "nosniff"
        fields[.contentSecurityPolicy] = "sandbox; default-src 'none'"
        fields[.cloudMirrorOutcome] = "fallback"
        return fields
    }

    private static let askedFields: [HTTPField.Name] = [
        .accept, .contentType, .contentEncoding, .range, .ifRange, .ifMatch, .ifNoneMatch, .ifModifiedSince, .ifUnmodifiedSince,
    ]

    private static let answeredFields: Set<HTTPField.Name> = {
        let fields: [HTTPField.Name] = [
            .contentType, .contentEncoding, .contentRange, .contentDisposition, .acceptRanges, .eTag, .lastModified, .retryAfter,
            .dockerContentDigest,
        ]
        // Those that copies keep, too.
        let more = OriginFields.Name.allCases.map(\.rawValue) + ["X-Error-Code", "X-Error-Message", "Docker-Distribution-Api-Version"]
        return Set(fields + more.compactMap { HTTPField.Name($0) })
    }()
}

extension RequestError {
    /// Why an origin does not answer.
    init(_ error: OutboundError) {
        switch error.code {
        case .refused, .redirectRefused: self.init(.forbidden, error.message)
        case .badRedirect, .tooManyRedirects, .unresolvable, .connectFailed, .tlsFailed, .timedOut, .protocolError, .truncated:
            self.init(.originError, error.message)
        }
    }
}
