import AsyncHTTPClient
import Foundation
import MirrorCore
import NIOCore
import NIOHTTP1
import NIOPosix

/// A plain HTTP client: follows nothing, decodes nothing.
enum HTTP {
    /// Of the whole process, so it is never shut down.
    static let client: HTTPClient = {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: .init(connect: .seconds(5), read: .seconds(45)))
        configuration.httpVersion = .http1Only
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 512
        return HTTPClient(eventLoopGroup: MultiThreadedEventLoopGroup.singleton, configuration: configuration)
    }()

    struct Answer: Sendable {
        let status: Int
        let headers: HTTPHeaders
        let body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }
        var location: String? { headers.first(name: "Location") }
        var outcome: String? { headers.first(name: "X-Cloud-Mirror-Outcome") }

        func json<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
            try JSONDecoder().decode(type, from: Data(body))
        }
    }

    /// What an error is told in.
    struct ErrorBody: Decodable {
        let code: String
        let message: String
        let msg: String
        let err: String?
        let url: String?
    }

    static func send(
        _ method: HTTPMethod, _ url: String, headers: HTTPHeaders = [:], body: String? = nil
    ) async throws -> Answer {
        try await send(method, url, headers: headers, bytes: body.map { ByteBuffer(string: $0) })
    }

    static func send(_ method: HTTPMethod, _ url: String, headers: HTTPHeaders = [:], bytes: ByteBuffer?) async throws -> Answer {
        let response = try await open(method, url, headers: headers, body: bytes)
        var bytes: [UInt8] = []
        for try await chunk in response.body { bytes.append(contentsOf: chunk.readableBytesView) }
        return Answer(status: Int(response.status.code), headers: response.headers, body: bytes)
    }

    /// The head of an answer; its body is read as fast as somebody reads it.
    static func open(
        _ method: HTTPMethod, _ url: String, headers: HTTPHeaders = [:], body: ByteBuffer? = nil, timeout: TimeAmount = .seconds(50)
    ) async throws -> HTTPClientResponse {
        var request = HTTPClientRequest(url: url)
        request.method = method
        request.headers.add(contentsOf: headers)
        if let body { request.body = .bytes(body) }
        return try await client.execute(request, timeout: timeout)
    }

    /// A GET as the mirror sends it to an origin, following redirects: where an origin answers with what it was asked, the bytes are the same.
    static func asMirror(_ url: String, range: String?) async throws -> Answer {
        var headers: HTTPHeaders = range.map { ["Range": $0] } ?? [:]
        headers.add(contentsOf: [
            "User-Agent": "cloud-mirror/\(CloudMirrorVersion.current)", "Accept": "*/*", "Accept-Encoding": "identity",
        ])
        var next = try ArtifactURL(url)
        while true {
            let answer = try await send(.GET, next.description, headers: headers)
            guard (300..<400).contains(answer.status), let location = answer.location else { return answer }
            next = try next.resolving(location)
        }
    }
}
