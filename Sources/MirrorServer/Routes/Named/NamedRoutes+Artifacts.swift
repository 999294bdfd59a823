import HTTPTypes
import Hummingbird
import Logging
import MirrorCore
import MirrorEngine
import MirrorState
import MirrorStorage
import NamedOrigins

/// Artifacts: what is copied into pools.
extension NamedRoutes {
    func artifact(
        _ call: NamedCall, _ request: Request, _ context: MirrorRequestContext, _ epochs: RedirectRoutes.Epochs,
        until end: ContinuousClock.Instant
    ) async throws -> Response {
        let isHead = request.method == .head
        // Its header fields say more than the object's.
        if isHead, call.rule.isToldByFields { return try await page(call, request, context, form: .fields, until: end) }
        let selector = services.selector.value
        let client = selector.client(peer: context.peer, values: request.forwarded)
        let asked = try delivery(of: request)
        if asked == .inline, !selector.maySendInline(to: client, by: call.origin) {
            throw RequestError(.forbidden, "clients may not ask this mirror to send artifacts itself (selection.deliveryHeader)")
        }
        let ofNetwork = selector.delivery(for: client)
        let delivery = asked ?? ofNetwork ?? call.origin.delivery
        if delivery == .origin { return try await fallback(call, request, context, .asked, inline: false, until: end) }
        var wish = RedirectRoutes.Wish(origin: try services.origin(of: call.url.description))
        wish.isRelayed = delivery == .inline || call.origin.answersOnlyUs
        // Where rules say how long requests wait, there are no hops but the one that leaves time for the origin.
        let hasWaited = wish.isRelayed && call.rule.wait != nil && call.hop > 0
        wish.wait = call.rule.miss == .redirectAndCopy || hasWaited ? .zero : call.rule.wait
        wish.hop = call.hop
        wish.end = end
        wish.digest = call.digest
        wish.describes = isHead
        // Other requests for the same target say the same and get the same answer, unless some have their own credentials. Memory only
        // answers clients whose network changes nothing about redirects.
        let isRedirect = asked == nil && ofNetwork.isRedirect && call.origin.delivery == .redirect
        wish.isShared = !isHead && isRedirect && call.origin.credentials != .client && !call.rule.isToldByFields
        // All requests that wait with it get its answer, so the answer must suit all of them, and must come whatever happens.
        wish.isCoalesced = wish.isShared && call.rule.inlineLimit == 0 && call.rule.miss == .wait && !call.origin.answersOnlyUs
        var asking = try redirects.call(for: wish, request, context, epochs)
        if let refusal = try await refusal(call, asking, until: end) {
            guard refusal == .redirect else {
                throw RequestError(.resourceNotFound, "there is no copy of this artifact, and its rule does not make one").about(call.url)
            }
            return try await fallback(call, request, context, .notCopied, inline: delivery == .inline, until: end)
        }
        var answer = await redirects.answer(asking, context).checked(against: call.digest)
        let limit = delivery == .inline ? .max : call.rule.inlineLimit
        var isLeftToPool = false
        for isSecond in [false, true] {
            guard let redirect = answer.inlined(upTo: limit, for: request) else { break }
            guard services.redirects.coldClaims.mayReceive(asking.network) else {
                if delivery == .inline { return try await fallback(call, request, context, .budget, inline: false, until: end) }
                // A small file is in the pool like any other.
                isLeftToPool = true
                break
            }
            if let response = again(call, request, until: end, needing: PoolHealth.patience) {
                if delivery == .inline { return response }
                isLeftToPool = true
                break
            }
            do {
                if let response = try await inline(redirect, asking, call, request, context, until: end) { return response }
            } catch let error as StorageError where error.code == .timedOut {
                return try await fallback(call, request, context, .silent, inline: delivery == .inline, until: end)
            } catch is RelayPlaces.Full {
                if delivery == .inline { return try await fallback(call, request, context, .share, inline: false, until: end) }
                isLeftToPool = true
                break
            } catch is ClientHasLeft where delivery != .inline {
                // In case it is still there.
                isLeftToPool = true
                break
            }
            guard !isSecond else {
                return try await fallback(call, request, context, .unavailable, inline: delivery == .inline, until: end)
            }
            // As a client does that was redirected there: it is looked for, and copied again if it is gone.
            wish.isReportedMissing = true
            asking = try redirects.call(for: wish, request, context, epochs)
            answer = await redirects.answer(asking, context).checked(against: call.digest)
        }
        switch answer {
        case .origin(let reason) where reason.mayRelay && (delivery == .inline || call.origin.answersOnlyUs):
            return try await fallback(call, request, context, reason, inline: true, until: end)
        // What the client has to show is in the origin's own answer.
        case .originStatus(401, _) where call.origin.credentials == .client:
            return try await relay(call, request, context, until: end)
        case .replica, .description, .hop, .origin, .refused, .originStatus:
            // From memory, later clients would be redirected, too.
            var response = with(call, await redirects.finish(asking, with: answer, isRemembered: !isLeftToPool)).response(to: request)
            // Some clients read them in the answer to GET.
            if call.rule.isToldByFields, case .replica(let redirect) = answer, let pool = asking.pool {
                let words = await services.redirects.originWords(of: redirect, in: pool, until: end)
                response.headers.append(contentsOf: HTTPFields(words?.fields ?? OriginFields()))
                if let etag = words?.etag, HTTPField.isValidValue(etag) { response.headers[.eTag] = etag }
            }
            return response
        }
    }

    /// How the client wants the bytes.
    private func delivery(of request: Request) throws -> Delivery? {
        guard let text = request.headers[.cloudMirrorDelivery] else { return nil }
        guard let delivery = Delivery(rawValue: text) else {
            let words = Delivery.allCases.map(\.rawValue).joined(separator: ", ")
            throw RequestError(.inputError, "X-Cloud-Mirror-Delivery must be one of \(words)")
        }
        return delivery
    }

    /// What is done in place of asking for a copy, by a rule that makes none.
    private func refusal(_ call: NamedCall, _ asking: RedirectRoutes.Call, until end: ContinuousClock.Instant) async throws -> Miss? {
        switch call.rule.miss {
        case .wait, .redirectAndCopy: return nil
        case .redirect, .refuse: break
        }
        guard let pool = asking.pool else { return call.rule.miss }
        let (id, state) = (ReplicaID(artifact: asking.origin.source.name, pool: pool.id), services.state)
        do {
            if let replica = try await services.inTime(until: end, { try await state.replica(id) }) {
                return replica?.state == .present ? nil : call.rule.miss
            }
        } catch let error as StateError {
            services.metrics.countError(error)
        }
        // Nobody knows, and the origin has it.
        guard call.rule.miss == .redirect else {
            throw RequestError(.unavailable, "the state cannot be reached at the moment; try again later").about(call.url)
        }
        return .redirect
    }

    /// What the client gets without a replica's help.
    ///
    /// - Parameter inline: Whether the mirror sends it, and not the origin itself.
    private func fallback(
        _ call: NamedCall, _ request: Request, _ context: MirrorRequestContext, _ reason: Fallback, inline: Bool,
        until end: ContinuousClock.Instant
    ) async throws -> Response {
        guard inline || call.origin.answersOnlyUs else { return toOrigin(call, reason).response(to: request) }
        return try await relay(call, request, context, until: end)
    }

    /// The object itself.
    ///
    /// - Returns: `nil` if the pool does not have it, or fails to return it.
    /// - Throws: `StorageError` `timedOut` if the pool does not answer in time; ``RelayPlaces/Full``; ``ClientHasLeft`` if it has left while others
    ///   had all places.
    private func inline(
        _ redirect: ReplicaRedirect, _ asking: RedirectRoutes.Call, _ call: NamedCall, _ request: Request, _ context: MirrorRequestContext,
        until end: ContinuousClock.Instant
    ) async throws -> Response? {
        guard let pool = asking.pool else { return nil }
        let place = try await place(in: pool, for: sharer(request, context), until: end, context.client)
        do {
            let object = ObjectAnswer(
                key: redirect.object.key, pool: pool, metrics: services.metrics, place: place, charge: charge(to: asking.network))
            guard var response = try await services.inTime(until: end, { try await object.response(to: request) }) else {
                throw StorageError.noAnswerInTime("inline")
            }
            response.headers[.cloudMirrorPool] = pool.id.description
            if asking.reason != .named { response.headers[.cloudMirrorPoolReason] = asking.reason.rawValue }
            response.headers[.cloudMirrorOutcome] = redirect.outcome.rawValue
            response.headers.append(contentsOf: fields(of: call))
            return response
        } catch let error as StorageError {
            services.metrics.countError(error)
            troubles.log(
                .warning, "cannot read an object", to: context.logger,
                metadata: ["artifact": "\(call.url.redacted)", "pool": "\(pool.id)", "error": "\(error)"])
            guard error.code != .timedOut else { throw error }
            return nil
        }
    }

    /// Others may be slow to take what they are sent. A client that has closed its side may still read what it is sent at once.
    private func place(
        in pool: Pool, for sharer: ClientNetwork?, until end: ContinuousClock.Instant, _ client: ClientPresence?
    ) async throws -> RelayPlaces.Place {
        let places = relays.streams(from: pool.id)
        if let place = places.free(at: pool.id.service, for: sharer) { return place }
        let found = try await leaving(after: services.patience(until: end), by: services.clock, for: client) {
            try await places.place(at: pool.id.service, for: sharer)
        }
        guard let place = found else { throw RelayPlaces.Full() }
        return place
    }

    private func with(_ call: NamedCall, _ response: WholeResponse) -> WholeResponse {
        let more = fields(of: call)
        guard !more.isEmpty, response.status == .ok else { return response }
        var fields = response.fields
        fields.append(contentsOf: more)
        return WholeResponse(status: response.status, fields: fields, body: response.body)
    }

    /// What the origin would say about an artifact, as far as its URL shows that.
    private func fields(of call: NamedCall) -> HTTPFields {
        guard call.origin.exchangesTokens, let digest = call.digest, digest.algorithm == .sha256 else { return [:] }
        return [.dockerContentDigest: "sha256:\(digest.hex)"]
    }
}

extension OriginRule {
    /// Whether header fields of the origin's answer say what an artifact is, so that clients look for them first.
    var isToldByFields: Bool { if case .field = digest { true } else { false } }
}

extension Fallback {
    /// Whether the mirror may send the origin's bytes: not to a client that has already had its share.
    fileprivate var mayRelay: Bool {
        switch self {
        case .budget, .share, .overloaded, .left, .shuttingDown: false
        case .timedOut, .copyFailed, .removing, .otherDigest, .notCopied, .neverPays, .unlikelyToPay, .asked, .noPool, .unavailable,
            .silent:
            true
        }
    }
}

extension RedirectAnswer {
    /// The replica, if not more is asked for of it. 0: never.
    fileprivate func inlined(upTo limit: Int64, for request: Request) -> ReplicaRedirect? {
        guard limit > 0, case .replica(let redirect) = self, Self.length(wantedBy: request, of: redirect.object.size) <= limit else {
            return nil
        }
        return redirect
    }

    /// Bytes that the client asks for, of so many.
    ///
    /// Who reads the directory at the end of an archive asks for each part at the URL that it knows, and not everybody follows redirects then
    /// (uv): a small part is sent like a small object.
    private static func length(wantedBy request: Request, of size: Int64) -> Int64 {
        // If a condition may turn it into the whole object, the whole object counts.
        guard let range = request.headers[.range], request.headers[.ifRange] == nil,
            case .part(let part) = ConditionalRequest.part(range, size: size)
        else { return size }
        return part.length
    }
}

extension HTTPField.Name {
    // Valid tokens, so that neither is ever the placeholder.
    static let cloudMirrorDelivery = HTTPField.Name("X-Cloud-Mirror-Delivery") ?? .server
    static let dockerContentDigest = HTTPField.Name("Docker-Content-Digest") ?? .server
}
