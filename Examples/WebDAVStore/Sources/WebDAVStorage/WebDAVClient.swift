import MirrorCore
import MirrorNet
import MirrorSettings
import MirrorStorage
import NIOCore
import NIOHTTP1
import Synchronization

/// Makes requests for what is in one collection; all paths are relative to it and percent-encoded (``PoolLayout``).
///
/// Errors are ``StorageError``s, what the stream of a body threw, or `CancellationError`. Nothing is tried twice here: the layers around a
/// store do that.
final class WebDAVClient: Sendable {
    /// What the server has under a name.
    struct Held: Equatable {
        /// Bytes; `nil` if the server does not say.
        var length: Int64?
        var etag: String?
    }

    /// Bytes of a list of resources that are read.
    private static let maxListing = 32 << 20

    let clock: any MirrorClock
    private let url: ArtifactURL
    /// The path of the collection, without a slash at its end.
    private let root: String
    private let authorization: String?
    private let http: ServiceClient
    /// Collections that are there: asking once for each is enough.
    private let known = Mutex<Set<String>>([])

    init(_ pool: WebDAVPoolSettings, http: ServiceClient, clock: any MirrorClock) {
        url = pool.url
        root = pool.url.path == "/" ? "" : pool.url.path
        authorization = pool.login.map { login in
            "Basic \(Base64.encode(Array("\(login.username):\(login.password.value)".utf8)))"
        }
        self.http = http
        self.clock = clock
    }

    // MARK: Files

    func head(_ path: String) async throws -> Held {
        let response = try await send(.HEAD, path, expecting: [200])
        return Held(length: response.contentLength, etag: response.headers.first(name: "etag"))
    }

    /// A short document, whole.
    func document(_ path: String, limit: Int) async throws -> ByteBuffer {
        let response = try await send(.GET, path, expecting: [200])
        return try await answerBody(of: response, .GET).collect(upTo: limit)
    }

    /// - Parameters:
    ///   - range: `nil` for all of the file.
    ///   - etag: A strong entity tag that the file must still have.
    /// - Returns: What the server says of the whole file, and the bytes asked for.
    /// - Throws: `.preconditionFailed` if the tag is another.
    func get(_ path: String, range: ByteRange?, ifMatch etag: String?) async throws -> (response: ServiceResponse, body: ByteStream) {
        var headers = HTTPHeaders()
        if let range { headers.add(name: "Range", value: "bytes=\(range.offset)-\(range.end - 1)") }
        if let etag { headers.add(name: "If-Match", value: etag) }
        let response = try await send(.GET, path, headers: headers, expecting: range == nil ? [200] : [200, 206])
        return (response, answerBody(of: response, .GET))
    }

    func put(_ path: String, _ body: ServiceRequest.Body) async throws {
        try await done(.PUT, path, body: body, expecting: [200, 201, 204])
    }

    /// Puts a file in the place of another, or where there is none, in one step.
    func move(_ path: String, to destination: String) async throws {
        let headers: HTTPHeaders = ["Destination": "\(url.withoutSlash)/\(destination)", "Overwrite": "T"]
        try await done(.MOVE, path, headers: headers, expecting: [200, 201, 204])
    }

    /// Succeeds if there is nothing to delete.
    func delete(_ path: String) async throws {
        try await done(.DELETE, path, expecting: [200, 204, 404, 410])
    }

    // MARK: Collections

    /// Makes a collection, and those that it is in; one that is there is fine.
    ///
    /// - Parameter isShared: Whether it will be asked for again; one that belongs to a single object will not.
    func makeCollection(_ path: String, isShared: Bool = true) async throws {
        if known.withLock({ $0.contains(path) }) { return }
        // RFC 4918 §9.3.1: 405 where something is already, 409 where what it would be in is missing.
        let response = try await send(.MKCOL, path, expecting: [200, 201, 405, 409])
        await ServiceClient.discard(response)
        if response.status == 409 {
            guard let parent = Self.parent(of: path) else {
                throw StorageError(.unavailable, "the collection \(url) is not on the server; make it", operation: operation(.MKCOL))
            }
            try await makeCollection(parent)
            try await done(.MKCOL, path, expecting: [200, 201, 405])
        }
        if isShared { known.withLock { _ = $0.insert(path) } }
    }

    /// The names of what is in a collection; none if it is not there.
    func names(in path: String) async throws -> [String] {
        do {
            let response = try await find(path, depth: "1")
            let document = try await answerBody(of: response, .PROPFIND).collect(upTo: Self.maxListing)
            return try MultiStatus(document).names
        } catch let error as StorageError where error.code == .notFound {
            return []
        } catch let error as MultiStatus.Unreadable {
            throw StorageError(
                .unavailable, "the list of \(path) cannot be read: \(error.reason)", operation: operation(.PROPFIND), cause: error)
        }
    }

    /// Fails unless the collection itself is there, speaks WebDAV, and lets the mirror in.
    func check() async throws {
        await ServiceClient.discard(try await find("", depth: "0"))
    }

    private func find(_ path: String, depth: String) async throws -> ServiceResponse {
        let headers: HTTPHeaders = ["Depth": depth, "Content-Type": "application/xml; charset=utf-8"]
        return try await send(.PROPFIND, path, headers: headers, body: Self.question, expecting: [207])
    }

    /// Asks for one property that every server knows, so that it does not work out all of them.
    private static let question = ServiceRequest.Body.bytes([
        ByteBuffer(string: #"<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop><resourcetype/></prop></propfind>"#)
    ])

    private static func parent(of path: String) -> String? {
        path.dropLast().lastIndex(of: "/").map { String(path[...$0]) }
    }

    // MARK: One request

    private func done(
        _ method: HTTPMethod, _ path: String, headers: HTTPHeaders = [:], body: ServiceRequest.Body = .none, expecting statuses: Set<Int>
    ) async throws {
        await ServiceClient.discard(try await send(method, path, headers: headers, body: body, expecting: statuses))
    }

    private func send(
        _ method: HTTPMethod, _ path: String, headers: HTTPHeaders = [:], body: ServiceRequest.Body = .none, expecting statuses: Set<Int>
    ) async throws -> ServiceResponse {
        var request = ServiceRequest(
            method: method, scheme: url.scheme, host: url.host, port: url.port, target: "\(root)/\(path)", headers: headers, body: body)
        if let authorization { request.headers.add(name: "Authorization", value: authorization) }
        let response: ServiceResponse
        do {
            response = try await http.send(request)
        } catch {
            throw WebDAVFailure.mapping(error, method, operation: operation(method))
        }
        guard !statuses.contains(response.status) else { return response }
        // Somebody may have removed a collection that was there.
        if response.status == 409 { known.withLock { $0.removeAll() } }
        await ServiceClient.discard(response)
        let asked = "\(method.rawValue) \(path.isEmpty ? url.description : path)"
        throw WebDAVFailure.error(response, to: asked, operation: operation(method), now: clock.now)
    }

    private func answerBody(of response: ServiceResponse, _ method: HTTPMethod) -> ByteStream {
        ByteStream(AnswerBody(base: response.body, method: method, operation: operation(method)))
    }

    private func operation(_ method: HTTPMethod) -> String { "\(WebDAVService.name).\(method.rawValue.lowercased())" }
}

/// The body of an answer, with errors in the words of object stores.
private struct AnswerBody: AsyncSequence, Sendable {
    let base: ServiceResponseBody
    let method: HTTPMethod
    let operation: String

    struct AsyncIterator: AsyncIteratorProtocol {
        var base: ServiceResponseBody.AsyncIterator
        let method: HTTPMethod
        let operation: String

        mutating func next() async throws -> ByteBuffer? {
            do {
                return try await base.next()
            } catch {
                throw WebDAVFailure.mapping(error, method, operation: operation)
            }
        }
    }

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(base: base.makeAsyncIterator(), method: method, operation: operation)
    }
}
