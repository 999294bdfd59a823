import Logging
import MirrorCore
import MirrorNet
import NIOCore
import NIOHTTP1

/// Fetches pages from origins, and stores them.
struct PageFetcher: Sendable {
    private let upstream: UpstreamClient
    private let store: PageStore
    private let configuration: PageConfiguration
    private let clock: any MirrorClock
    private let logger: Logger

    init(_ upstream: UpstreamClient, _ store: PageStore, _ configuration: PageConfiguration, _ clock: any MirrorClock, _ logger: Logger) {
        self.upstream = upstream
        self.store = store
        self.configuration = configuration
        self.clock = clock
        self.logger = logger
    }

    /// - Parameters:
    ///   - stored: The stored page that the origin is asked to confirm.
    ///   - moment: Of the store, from before; `nil` if the answer must not be shared.
    /// - Throws: ``PageError`` for problems that an older page cannot solve; `CancellationError`.
    func fetch(_ request: PageRequest, _ key: PageKey, confirming stored: StoredPage?, since moment: Int?) async throws -> PageOutcome {
        do {
            let limit = clock.instant + configuration.fetchLimit
            // What is for one client is given up with that client's request.
            let end = moment == nil ? min(limit, request.deadline) : limit
            let outcome = try await leaving(after: configuration.fetchLimit, by: clock) {
                try await self.ask(request, key, confirming: stored, since: moment, until: end)
            }
            return outcome ?? .down(PageError(code: .timedOut, message: "\(request.url.redacted) takes too long"))
        } catch let error as OutboundError {
            return try Self.outcome(of: error)
        }
    }

    private static func outcome(of error: OutboundError) throws -> PageOutcome {
        switch error.code {
        case .refused: throw PageError(code: .refused, message: error.message)
        case .redirectRefused: throw PageError(code: .redirectRefused, message: error.message)
        case .timedOut: .down(PageError(code: .timedOut, message: error.message))
        case .badRedirect, .tooManyRedirects, .unresolvable, .connectFailed, .tlsFailed, .protocolError, .truncated:
            .down(PageError(code: .unreachable, message: error.message))
        }
    }

    private func ask(
        _ request: PageRequest, _ key: PageKey, confirming stored: StoredPage?, since moment: Int?, until end: ContinuousClock.Instant
    ) async throws -> PageOutcome {
        var fields = [("Accept", request.acceptField.text)]
        if let stored {
            if let etag = stored.record.etag { fields.append(("If-None-Match", etag)) }
            if let date = stored.record.lastModified { fields.append(("If-Modified-Since", date)) }
        }
        // A cache on the path must revalidate, too.
        if request.wantsRevalidation { fields.append(("Cache-Control", "max-age=0")) }
        let now = clock.now
        let response = try await upstream.send(
            OutboundRequest(request.form == .page ? .get : .head, request.url, headers: fields), to: request.origin,
            authorization: request.authorization, until: end)
        switch response.status {
        case 200:
            return try await take(response, request, key, at: now, since: moment)
        case 304:
            guard let stored else { break }
            await store.confirm(stored, key, at: now)
            return .kept(stored, isNew: false)
        case 400..<500:
            if let told = try await told(response, request, key, at: now, since: moment) { return told }
            return .other(try await word(response, request))
        case 500..<600:
            return .other(try await word(response, request))
        default: break
        }
        // A client would mistake it for the answer to its own request.
        return .down(PageError(code: .unusable, message: "\(request.url.redacted): the origin answered \(response.status)"))
    }

    // MARK: A page

    private func take(
        _ response: OutboundResponse, _ request: PageRequest, _ key: PageKey, at now: Timestamp, since moment: Int?
    ) async throws -> PageOutcome {
        func unusable(_ problem: String) -> PageOutcome {
            .down(PageError(code: .unusable, message: "\(request.url.redacted): it \(problem)"))
        }
        // What a portal or a login page sends in place of a document.
        if request.grammar?.isJSON == true || request.rule.refusesHTML, Self.isHTML(response) { return unusable("is HTML") }
        guard let body = DecodedBody(response, isHead: request.form == .fields) else {
            return unusable("is encoded (\(DecodedBody.codings(response.headers).cut(to: 64)))")
        }
        let tooLarge = PageError(code: .tooLarge, message: "\(request.url.redacted) is larger than origins.pages.maxPageBytes")
        if request.form == .page, let length = response.contentLength, length > configuration.maxPageBytes { throw tooLarge }
        let writer: PageWriter
        do {
            writer = try await store.newFile()
        } catch {
            throw unavailable(error, request)
        }
        let written: (length: Int64, sha256: String)?
        do {
            written = try await writer.write(body, limit: configuration.maxPageBytes, charge: request.charge)
        } catch let error as OutboundError {
            throw error
        } catch let error as GzipError {
            return unusable(error.reason)
        } catch let error as CancellationError {
            throw error
        } catch {
            throw unavailable(error, request)
        }
        guard let written else { throw tooLarge }
        let record = PageRecord(
            url: key.url.description, variant: key.variant, finalURL: response.url.description,
            fields: Self.fields(response, request.form, isEncoded: body.isEncoded), etag: Self.etag(response, isEncoded: body.isEncoded),
            lastModified: response.headers.first(name: "last-modified").flatMap { Timestamp(httpDate: $0) == nil ? nil : $0 },
            maxAge: PageFields.maxAge(response.headers), length: written.length, sha256: written.sha256, fetched: now.milliseconds)
        let mayBeKept = (request.form == .fields || Self.isKnownToBeWhole(response)) && !Self.isForbidden(response)
        return await kept(writer, record, as: key, since: mayBeKept ? moment : nil, for: request.sharer)
    }

    private func kept(
        _ writer: PageWriter, _ record: PageRecord, as key: PageKey, since moment: Int?, for network: ClientNetwork?
    ) async -> PageOutcome {
        do {
            if let moment, let page = try await store.keep(writer, record, as: key, since: moment, for: network) {
                return .kept(page, isNew: true)
            }
        } catch {
            logger.warning("A page cannot be kept", metadata: ["page": "\(key.url.redacted)", "error": "\(error)"])
        }
        return .loose(LoosePage(record: record, writer: writer))
    }

    /// An artifact that is fully described by its redirect, if the target does not accept HEAD: a URL that is signed for GET refuses other methods.
    ///
    /// - Returns: `nil` if the redirect does not state a size.
    private func told(
        _ response: OutboundResponse, _ request: PageRequest, _ key: PageKey, at now: Timestamp, since moment: Int?
    ) async throws -> PageOutcome? {
        let fields = PageFields.kept(ofRedirects: response.redirects)
        func value(_ name: String) -> String? { fields.first { $0.name == name }?.value }
        guard request.form == .fields, let size = value("x-linked-size").flatMap({ Int64(digits: $0) }) else { return nil }
        let writer: PageWriter
        let written: (length: Int64, sha256: String)?
        do {
            writer = try await store.newFile()
            written = try await writer.write(AsyncStream<ByteBuffer> { $0.finish() }, limit: 0)
        } catch let error as CancellationError {
            throw error
        } catch {
            throw unavailable(error, request)
        }
        let record = PageRecord(
            url: key.url.description, variant: key.variant, finalURL: request.url.description,
            fields: fields + [.init(name: "accept-ranges", value: "bytes"), .init(name: "content-length", value: "\(size)")],
            etag: value("x-linked-etag").flatMap { EntityTag.isValid($0) ? $0 : nil }, lastModified: nil, maxAge: nil,
            length: written?.length ?? 0, sha256: written?.sha256 ?? "", fetched: now.milliseconds)
        return await kept(writer, record, as: key, since: moment, for: request.sharer)
    }

    private func unavailable(_ error: any Error, _ request: PageRequest) -> PageError {
        logger.warning("A page cannot be written", metadata: ["page": "\(request.url.redacted)", "error": "\(error)"])
        return PageError(code: .unavailable, message: "the mirror cannot keep pages")
    }

    private static func isHTML(_ response: OutboundResponse) -> Bool {
        let type = response.headers.first(name: "content-type")?.prefix { $0 != ";" }.lowercased()
        return type == "text/html" || type == "application/xhtml+xml"
    }

    /// - Parameter isEncoded: Whether the stated length is that of other bytes.
    private static func fields(_ response: OutboundResponse, _ form: PageRequest.Form, isEncoded: Bool) -> [PageRecord.Field] {
        let fields = PageFields.kept(of: response)
        switch form {
        // The mirror sends whole pages.
        case .page: return fields.filter { $0.name != "accept-ranges" }
        case .fields:
            guard let length = response.contentLength, !isEncoded else { return fields }
            return fields + [.init(name: "content-length", value: "\(length)")]
        }
    }

    /// For different bytes it is at most a weak one.
    private static func etag(_ response: OutboundResponse, isEncoded: Bool) -> String? {
        guard let etag = response.headers.first(name: "etag"), EntityTag.isValid(etag) else { return nil }
        return isEncoded && !etag.hasPrefix("W/") ? "W/\(etag)" : etag
    }

    /// Whether a body that ends early would have been noticed.
    private static func isKnownToBeWhole(_ response: OutboundResponse) -> Bool {
        response.contentLength != nil || response.headers[canonicalForm: "transfer-encoding"].contains { $0.lowercased() == "chunked" }
    }

    private static func isForbidden(_ response: OutboundResponse) -> Bool {
        PageFields.directives(response.headers["cache-control"]).contains("no-store")
    }

    // MARK: No page

    private func word(_ response: OutboundResponse, _ request: PageRequest) async throws -> OriginWord {
        var body: [UInt8] = []
        do {
            if let decoded = DecodedBody(response, isHead: request.form == .fields) {
                for try await chunk in decoded {
                    guard body.count + chunk.readableBytes <= OriginWord.maxBody else {
                        body = []
                        break
                    }
                    body.append(contentsOf: chunk.readableBytesView)
                }
            }
        } catch is OutboundError {
            body = []
        } catch is GzipError {
            body = []
        }
        var fields = PageFields.kept(of: response).filter { $0.name != "accept-ranges" }
        // A challenge is for clients whose credentials reach the origin. Other clients would send theirs for nothing.
        for name in request.origin.credentials == .client ? ["www-authenticate", "retry-after"] : ["retry-after"] {
            for value in response.headers[name] { fields.append(.init(name: name, value: value)) }
        }
        return OriginWord(status: response.status, fields: fields, body: body)
    }
}
