package import MirrorCore
package import MirrorNet
import NIOCore
package import NIOHTTP1

/// Makes short requests to issuers of credentials.
package struct CredentialsTransport: Sendable {
    package struct Answer: Sendable {
        package let status: Int
        package let headers: HTTPHeaders
        package let body: [UInt8]

        package var text: String { String(decoding: body, as: UTF8.self) }

        /// When the answer was made, by the issuer's clock.
        package var date: Timestamp? { headers.first(name: "date").flatMap(Timestamp.init(httpDate:)) }
    }

    private let client: ServiceClient
    package let clock: any MirrorClock

    /// Bytes; tokens of 10 KiB have been seen.
    private static let maxLength = 128 << 10
    /// Issuers accept a time that is this much off.
    private static let clockTolerance: Duration = .seconds(60)

    package init(client: ServiceClient, clock: any MirrorClock) {
        self.client = client
        self.clock = clock
    }

    /// - Parameters:
    ///   - url: Errors name only its service, because the paths of container agents are as sensitive as passwords.
    ///   - timeout: For the whole answer.
    /// - Throws: `.unavailable` if there is no answer in time.
    package func answer(
        _ method: HTTPMethod, _ url: ArtifactURL, headers: [(String, String)] = [], body: String? = nil, timeout: Duration
    ) async throws -> Answer {
        var request = ServiceRequest(
            method: method, scheme: url.scheme, host: url.host, port: url.port,
            target: url.query.map { "\(url.path)?\($0)" } ?? url.path, headers: HTTPHeaders(headers))
        if let body { request.body = .bytes([ByteBuffer(string: body)]) }
        let answer = try await leaving(after: timeout, by: clock) { [request] () async throws -> Answer in
            do {
                let answer = try await client.collect(request, upTo: Self.maxLength)
                return Answer(status: answer.status, headers: answer.headers, body: Array(answer.body.readableBytesView))
            } catch let error as OutboundError {
                throw CredentialsError(.unavailable, "cannot query \(url.service): \(error)")
            }
        }
        guard let answer else { throw CredentialsError(.unavailable, "\(url.service) gives no answer within \(timeout.inSeconds) s") }
        return answer
    }

    /// The answer to a request that contains the time. If it is refused and this machine's clock is off, it is sent again with the issuer's time.
    ///
    /// - Parameter ask: Makes the request at a time.
    package func answerInTime(_ ask: (_ now: Timestamp) async throws -> Answer) async throws -> Answer {
        let answer = try await ask(clock.now)
        guard (400..<500).contains(answer.status), let date = answer.date else { return answer }
        let offset = clock.now.duration(to: date)
        guard offset > Self.clockTolerance || offset < .zero - Self.clockTolerance else { return answer }
        return try await ask(clock.now + offset)
    }

    /// Encodes a form as the body of a request.
    package static func form(_ fields: [(String, String)]) -> String {
        fields.map { "\(PercentCoding.encode($0))=\(PercentCoding.encode($1))" }.joined(separator: "&")
    }

    /// Repeats `call` until it succeeds, fails with an error that is not transient, or has failed `times` times.
    package func attempts<Value>(_ times: Int, pause: Duration, _ call: () async throws -> Value) async throws -> Value {
        var left = times
        while true {
            left -= 1
            do {
                return try await call()
            } catch let error as CredentialsError where error.code.isTransient && left > 0 {
                try await clock.sleep(for: pause)
            }
        }
    }
}

extension ArtifactURL {
    /// `https://sts.example.org`
    package var service: String { "\(scheme.rawValue)://\(authority)" }

    /// Parses the address of an issuer of credentials.
    ///
    /// - Parameter name: The source of the address, such as a variable.
    /// - Throws: `.invalid`.
    package static func of(_ name: String, _ text: String) throws(CredentialsError) -> ArtifactURL {
        do {
            return try ArtifactURL(text)
        } catch {
            throw CredentialsError(.invalid, "\(name) is not a valid address: \(error.reason)")
        }
    }
}
