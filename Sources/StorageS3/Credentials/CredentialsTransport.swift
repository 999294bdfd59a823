import MirrorCore
import MirrorNet
import NIOCore
import NIOHTTP1

/// Short questions to those who give out credentials.
struct CredentialsTransport: Sendable {
    struct Answer: Sendable {
        let status: Int
        let body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }
    }

    let client: ServiceClient
    let clock: any MirrorClock

    /// Bytes; tokens have been seen to be 10 KiB long.
    private static let maxLength = 128 << 10

    /// - Parameters:
    ///   - url: Errors name the service alone; paths of container agents are as good as passwords.
    ///   - timeout: For the whole answer.
    /// - Throws: `.unavailable` when there is no answer in time.
    func answer(
        _ method: HTTPMethod, _ url: ArtifactURL, headers: [(String, String)] = [], body: String? = nil, timeout: Duration
    ) async throws -> Answer {
        var request = ServiceRequest(
            method: method, scheme: url.scheme, host: url.host, port: url.port,
            target: url.query.map { "\(url.path)?\($0)" } ?? url.path, headers: HTTPHeaders(headers))
        if let body { request.body = .bytes([ByteBuffer(string: body)]) }
        return try await answer(request, named: url.service, timeout: timeout)
    }

    private func answer(_ request: ServiceRequest, named name: String, timeout: Duration) async throws -> Answer {
        try await withThrowingTaskGroup(of: Answer?.self) { group in
            group.addTask {
                do {
                    let answer = try await client.collect(request, upTo: Self.maxLength)
                    return Answer(status: answer.status, body: Array(answer.body.readableBytesView))
                } catch let error as OutboundError {
                    throw S3CredentialsError(.unavailable, "\(name) cannot be asked: \(error)")
                }
            }
            group.addTask {
                try await clock.sleep(for: timeout)
                return nil
            }
            defer { group.cancelAll() }
            guard let first = try await group.next(), let answer = first else {
                throw S3CredentialsError(.unavailable, "\(name) gives no answer within \(timeout.inSeconds) s")
            }
            return answer
        }
    }

    /// Calls until it succeeds, fails with something that time does not mend, or has failed `times` times.
    func attempts<Value>(_ times: Int, pause: Duration, _ call: () async throws -> Value) async throws -> Value {
        var left = times
        while true {
            left -= 1
            do {
                return try await call()
            } catch let error as S3CredentialsError where error.code.isTransient && left > 0 {
                try await clock.sleep(for: pause)
            }
        }
    }
}

extension ArtifactURL {
    /// `https://sts.example.org`
    var service: String { "\(scheme.rawValue)://\(authority)" }
}
