import AsyncHTTPClient
import MirrorCore
import MirrorNet
import MirrorSystem
import NIOCore
import NIOHTTP1
import NIOPosix

/// HTTP for the commands. It checks every redirect itself, and describes failures in words.
struct HTTPTransport {
    static let maxRedirects = 5

    private let client: HTTPClient

    /// Why there is no answer.
    struct Unreachable: Error {
        var reason: String
    }

    /// - Parameter readTimeout: A request fails after this many seconds without a byte.
    /// - Parameter localhost: The address to use for `localhost`; `nil` leaves it to the system.
    static func withClient<Result>(
        readTimeout: Int64, localhost: IPAddress? = nil, _ body: (HTTPTransport) async throws -> Result
    ) async throws -> Result {
        var configuration = Self.configuration(readTimeout: readTimeout)
        if let localhost { configuration.dnsOverride["localhost"] = localhost.description }
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        return try await ending {
            try await body(HTTPTransport(client: client))
        } with: {
            // The process is about to end, so connections that fail to close no longer matter.
            try? await client.shutdown()
        }
    }

    static func configuration(readTimeout: Int64) -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: .outbound, redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(10), read: .seconds(readTimeout)))
        configuration.httpVersion = .http1Only
        // The client would retry until the timeout; a command has better alternatives, such as asking the origin.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.guardAnswers()
        return configuration
    }

    /// - Parameter timeout: Seconds until the response's head must have arrived.
    func send(
        _ method: HTTPMethod, _ url: String, headers: [(String, String)] = [], body: [UInt8]? = nil, timeout: Int64
    ) async throws(Unreachable) -> HTTPClientResponse {
        var request = HTTPClientRequest(url: url)
        request.method = method
        request.headers.add(name: "user-agent", value: "cloud-mirror/\(CloudMirrorVersion.current)")
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let body { request.body = .bytes(ByteBuffer(bytes: body)) }
        do {
            return try await client.execute(request, timeout: .seconds(timeout))
        } catch {
            throw Unreachable(reason: Self.words(error))
        }
    }

    /// Sends a GET and follows redirects.
    ///
    /// - Throws: ``Unreachable``, also for a chain that is too long or that leads from HTTPS to HTTP.
    func get(_ url: String, headers: [(String, String)], timeout: Int64) async throws(Unreachable) -> HTTPClientResponse {
        var url = url
        for _ in 0...Self.maxRedirects {
            let response = try await send(.GET, url, headers: headers, timeout: timeout)
            guard [301, 302, 303, 307, 308].contains(response.status.code), let location = response.headers.first(name: "location") else {
                return response
            }
            url = try Self.resolve(location, from: url)
        }
        throw Unreachable(reason: "more than \(Self.maxRedirects) redirects")
    }

    /// Resolves a `Location` field.
    static func resolve(_ location: String, from base: String) throws(Unreachable) -> String {
        guard let from = try? ArtifactURL(base), let target = try? from.resolving(location) else {
            throw Unreachable(reason: "a redirect to something that is not a URL")
        }
        guard from.scheme == .http || target.scheme == .https else { throw Unreachable(reason: "a redirect from HTTPS to plain HTTP") }
        // An absolute URL is used unchanged: its exact characters may be signed.
        return (try? ArtifactURL(location)) != nil ? location : target.description
    }

    /// - Returns: The body; cut off if it ends early or is longer than `limit` bytes.
    static func body(of response: HTTPClientResponse, limit: Int) async -> [UInt8] {
        var bytes: [UInt8] = []
        do {
            for try await buffer in response.body {
                bytes.append(contentsOf: buffer.readableBytesView.prefix(limit - bytes.count))
                if bytes.count >= limit { break }
            }
        } catch {
            // Half of an error message is better than none.
        }
        return bytes
    }

    static func words(_ error: any Error) -> String {
        switch error {
        case let error as HTTPClientError:
            switch error {
            case .connectTimeout: "connecting took too long"
            case .readTimeout: "nothing arrived for too long"
            case .deadlineExceeded: "no answer in time"
            case .remoteConnectionClosed: "the connection was closed"
            default: error.shortDescription
            }
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { words($0.error) } ?? "the host \(error.host) is not known"
        case let error as IOError: Errno(code: error.errnoCode).phrase
        case HTTPParserError.invalidEOFState: "the transfer was cut short"
        case let error as HTTPParserError: "the answer is not HTTP (\(error))"
        case let error as UnacceptableAnswer: "the answer is not HTTP: \(error)"
        default: "\(error)"
        }
    }
}
