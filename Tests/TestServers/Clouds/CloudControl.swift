import AsyncHTTPClient
package import Foundation
import NIOCore
import NIOHTTP1

/// The side door of a server that plays a cloud: faults on request, and what the server was asked.
///
/// - SeeAlso: `scripts/cloud-servers/web/faults.py`.
package struct CloudControl: Sendable {
    /// A request as the server saw it.
    package struct Request: Decodable, Sendable {
        package let method: String
        /// Path and query as they were sent.
        package let target: String
        /// Names in lower case.
        package let headers: [String: String]
        /// 0 where there was no answer.
        package let status: Int
    }

    /// The server did not do what it was asked.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    private struct Made: Decodable { let id: String }
    private struct Removed: Decodable { let hits: Int }
    private struct Nothing: Codable {}

    /// Scheme, host and port.
    private let base: String

    /// - Parameter url: Of the server, without TLS; its path does not matter.
    package init(_ url: String) {
        base = url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false).prefix(3).joined(separator: "/")
    }

    /// Runs `body` while the server has a fault.
    ///
    /// - Returns: How many requests it was for.
    @discardableResult
    package func with(
        _ fault: CloudFault, isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Void
    ) async throws -> Int {
        let made: Made = try await post("rules", fault)
        do {
            try await body()
        } catch {
            _ = try? await remove(made)
            throw error
        }
        return try await remove(made)
    }

    private func remove(_ rule: Made) async throws -> Int {
        let removed: Removed = try await send(.DELETE, "rules/\(rule.id)", nil)
        return removed.hits
    }

    /// The last requests whose decoded path and query contain a text, oldest first.
    package func requests(_ path: String) async throws -> [Request] {
        try await send(.GET, "requests?path=\(path)", nil)
    }

    /// Asks for something of the server's own, such as another account.
    package func post<Answer: Decodable>(_ path: String, _ question: some Encodable) async throws -> Answer {
        try await send(.POST, path, try Self.encoded(question))
    }

    /// A document as the server writes them.
    package static func encoded(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return try encoder.encode(value)
    }

    /// The same without an answer.
    package func post(_ path: String, _ question: some Encodable) async throws {
        let _: Nothing = try await post(path, question)
    }

    private func send<Answer: Decodable>(_ method: HTTPMethod, _ path: String, _ body: Data?) async throws -> Answer {
        var request = HTTPClientRequest(url: "\(base)/_control/\(path)")
        request.method = method
        if let body { request.body = .bytes(ByteBuffer(bytes: body)) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
        let bytes = Data(try await response.body.collect(upTo: 64 << 20).readableBytesView)
        guard response.status == .ok else {
            throw Failure(description: "\(method) \(path): \(response.status.code) \(String(decoding: bytes, as: UTF8.self))")
        }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Answer.self, from: bytes)
    }
}
