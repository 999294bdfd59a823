import HTTPTypes
import Hummingbird
import Logging
import MirrorCore
import MirrorEngine
import MirrorSettings
import NamedOrigins

/// Pages: what changes, and is revalidated.
extension NamedRoutes {
    /// - Parameters:
    ///   - form: Of an artifact, only the header fields.
    ///   - authorization: Of the client, for an origin that is shown it: then the page is for this client alone.
    func page(
        _ call: NamedCall, _ request: Request, _ context: MirrorRequestContext, form: PageRequest.Form = .page,
        authorization: Secret? = nil, until end: ContinuousClock.Instant
    ) async throws -> Response {
        guard let pages = services.pages.value else {
            return try await relay(call, request, context, authorization: authorization?.value, until: end)
        }
        if let location = slashedLocation(of: call, request) {
            return Response(status: .found, headers: [.location: location, .cacheControl: "no-store", .contentLength: "0"])
        }
        if request.method == .get, let commit = call.rule.commit {
            return try await toCommit(call, commit, request, context, pages, until: end)
        }
        let answer: PageAnswer
        do {
            // The origin says more about the artifact itself than about its bytes.
            let isCommit = call.rule.commit != nil
            var asked = pageRequest(call, request, context, form: isCommit ? .fields : form, until: end)
            asked.authorization = authorization
            answer = try await pages.page(asked)
        } catch let error as PageError {
            return try await fallback(call, request, context, error, until: end)
        }
        context.logger.debug(
            "page",
            metadata: [
                "origin": "\(call.origin.name)", "url": "\(call.url.redacted)", "status": .stringConvertible(answer.status),
                "freshness": "\(answer.freshness.rawValue)",
            ])
        var fields = answer.fields
        fields[.cloudMirrorFreshness] = answer.freshness.rawValue
        fields[.xContentTypeOptions] = "nosniff"
        fields[.contentSecurityPolicy] = "sandbox; default-src 'none'"
        let status = HTTPResponse.Status(code: answer.status)
        guard status != .notModified else { return Response(status: status, headers: fields) }
        if fields[.contentLength] == nil, let length = answer.body.length, request.method == .get || length > 0 {
            fields[.contentLength] = String(length)
        }
        guard request.method == .get else { return Response(status: status, headers: fields) }
        let body = answer.body
        return Response(
            status: status, headers: fields,
            body: ResponseBody(contentLength: body.length.flatMap { Int(exactly: $0) }) { writer in
                for try await chunk in body { try await writer.write(chunk) }
                try await writer.finish(nil)
            })
    }

    private func pageRequest(
        _ call: NamedCall, _ request: Request, _ context: MirrorRequestContext, form: PageRequest.Form, until end: ContinuousClock.Instant
    ) -> PageRequest {
        PageRequest(
            call.page, origin: call.origin, rule: call.rule, form: form, accept: request.headers[.accept],
            ifNoneMatch: request.headers[.ifNoneMatch], ifModifiedSince: request.headers[.ifModifiedSince],
            wantsRevalidation: PageRequest.wantsRevalidation(cacheControl: request.headers[values: .cacheControl]),
            prefix: prefix(for: call, request), links: services.named.value.links(of: call.origin), deadline: end,
            client: context.client, pay: { isPaid(request, context) }, charge: charge(to: network(request, context)),
            sharer: sharer(request, context))
    }

    /// Only HTML may have links without a host, and Python's clients resolve those of JSON, too.
    func prefix(for call: NamedCall, _ request: Request) -> String {
        switch call.rule.kind {
        case .rewritten(.npm), .rewritten(.cargoConfig), .rewritten(.condaRepodata), .rewritten(.lfs), .rewritten(.fields):
            let address = publicURL ?? "\(isTLS ? "https" : "http")://\(request.head.authority ?? "localhost")"
            return address + Self.prefix
        case .rewritten(.html), .rewritten(.python), .mirrored, .revalidated, .passed, .refused:
            return pathPrefix + Self.prefix
        }
    }

    /// The path of the mirror's own URL, which is not in the requests that arrive here.
    private var pathPrefix: String { HopLocation.pathPrefix(publicURL) }

    /// The URL of the page whose relative links are right: a Python index has a final slash for each project.
    private func slashedLocation(of call: NamedCall, _ request: Request) -> String? {
        guard case .rewritten(.python) = call.rule.kind, call.url.path.utf8.last != UInt8(ascii: "/"), call.url.query == nil,
            let name = call.url.path.split(separator: "/").last, !name.hasSuffix(".html")
        else { return nil }
        return "\(pathPrefix)\(request.uri.path)/"
    }

    /// What a client gets that asks for a branch: the artifact of the commit that it is at now.
    private func toCommit(
        _ call: NamedCall, _ place: CommitPlace, _ request: Request, _ context: MirrorRequestContext, _ pages: PageService,
        until end: ContinuousClock.Instant
    ) async throws -> Response {
        let answer: PageAnswer
        do {
            var asked = pageRequest(call, request, context, form: .fields, until: end)
            // The client's conditions are about the artifact, and not about where it is.
            (asked.ifNoneMatch, asked.ifModifiedSince) = (nil, nil)
            answer = try await pages.page(asked)
        } catch let error as PageError {
            return try await fallback(call, request, context, error, until: end)
        }
        guard (200..<300).contains(answer.status) else {
            guard (400..<600).contains(answer.status) else { return toOrigin(call, .notCopied).response(to: request) }
            var headers: HTTPFields = [:]
            headers[values: .wwwAuthenticate] = answer.fields[values: .wwwAuthenticate]
            throw RequestError.origin(status: answer.status, message: "the origin answered \(answer.status)", headers: headers)
                .about(call.url)
        }
        guard let name = HTTPField.Name(place.field), let commit = answer.fields[name],
            let path = place.path(request.uri.path, at: commit)
        else { return toOrigin(call, .notCopied).response(to: request) }
        let query = request.uri.query.map { "?\($0)" } ?? ""
        return Response(
            status: redirects.status,
            headers: [.location: pathPrefix + path + query, .cacheControl: "no-store", .contentLength: "0", name: commit])
    }

    /// What the client gets while there is no page.
    private func fallback(
        _ call: NamedCall, _ request: Request, _ context: MirrorRequestContext, _ error: PageError, until end: ContinuousClock.Instant
    ) async throws -> Response {
        switch error.code {
        case .refused: throw RequestError(.forbidden, error.message).about(call.url)
        // The policy does not bind clients.
        case .redirectRefused:
            guard call.origin.answersOnlyUs else { return toOrigin(call, .copyFailed).response(to: request) }
            throw RequestError(.forbidden, error.message).about(call.url)
        case .unusable: throw RequestError(.originError, error.message).about(call.url)
        case .unreachable, .timedOut: throw RequestError(.originError, error.message, status: .gatewayTimeout).about(call.url)
        case .tooLarge, .unavailable:
            guard call.origin.answersOnlyUs else { return toOrigin(call, .unavailable).response(to: request) }
            return try await relay(call, request, context, until: end)
        case .overBudget:
            guard call.origin.answersOnlyUs else { return toOrigin(call, .budget).response(to: request) }
            throw Self.overBudget(call)
        }
    }
}

extension HTTPField.Name {
    // A valid token, so that it is never the placeholder.
    fileprivate static let cloudMirrorFreshness = HTTPField.Name("X-Cloud-Mirror-Freshness") ?? .server
}
