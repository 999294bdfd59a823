import MirrorCore
import NIOHTTP1
import StorageCloud

/// Requests tokens from their issuers.
struct GoogleTokenService: Sendable {
    /// A token, and when it ends by this machine's clock.
    struct Grant: Sendable, Equatable {
        var token: String
        var expires: Timestamp
    }

    let transport: CredentialsTransport
    /// What is signed here with a time has the service's.
    let clockOffset: ClockOffset

    /// What all calls of the mirror need: those of Cloud Storage, and signing for an account.
    static let scope = "https://www.googleapis.com/auth/cloud-platform"

    private static let timeout: Duration = .seconds(10)
    private static let maxAttempts = 3
    /// What a clock may be off without anybody's caring.
    private static let clockTolerance: Duration = .seconds(60)
    /// The longest life that a token is believed to have, in seconds.
    private static let maxLife: Int64 = 86_400

    /// Now, by the service's clock as far as it is known.
    var now: Timestamp { clockOffset.corrected(transport.clock.now) }

    /// Sends a request of OAuth 2.0 for a token (RFC 6749 §4, §6; RFC 7523; RFC 8693).
    ///
    /// - Parameters:
    ///   - secrets: Stay out of errors, whatever the service says.
    ///   - form: Created again for each attempt.
    func grant(
        _ url: ArtifactURL, authorization: String? = nil, secrets: [String], form: () throws -> [(name: String, value: String)]
    ) async throws -> Grant {
        var headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json")]
        if let authorization { headers.append(("Authorization", authorization)) }
        return try await ask(url, headers: headers, secrets: secrets) {
            try form().map { "\(PercentCoding.encode($0.name))=\(PercentCoding.encode($0.value))" }.joined(separator: "&")
        } read: { answer in
            try Self.grant(answer, from: url, now: transport.clock.now)
        }
    }

    /// Sends a request to the IAM Service Account Credentials API.
    ///
    /// - Parameter token: The caller's token.
    func call<Value>(
        _ url: ArtifactURL, token: String, body: JSONValue, read: (CredentialsTransport.Answer) throws -> Value
    ) async throws -> Value {
        let text = String(decoding: body.encoded, as: UTF8.self)
        let headers = [
            ("Content-Type", "application/json"), ("Accept", "application/json"), ("Authorization", "Bearer \(token)"),
        ]
        return try await ask(url, headers: headers, secrets: [token], body: { text }, read: read)
    }

    /// - Parameter answer: To a request for a token, which succeeded.
    static func grant(_ answer: CredentialsTransport.Answer, from url: ArtifactURL, now: Timestamp) throws(CredentialsError) -> Grant {
        let fields = try JSONFields(answer.body, of: "the answer of \(url.service)")
        let token = try fields.requiredSecret("access_token")
        // RFC 6749 §5.1 allows leaving it out if it is known otherwise; all of Google's tokens last an hour.
        let seconds = try fields.number("expires_in") ?? 3_600
        guard seconds > 0 else { throw CredentialsError(.expired, "\(url.service) gives a token that has already expired") }
        return Grant(token: token, expires: now + .seconds(min(seconds, maxLife)))
    }

    /// - Parameter text: When a token ends by the clock of who gave it.
    func expiry(_ text: String, _ answer: CredentialsTransport.Answer) -> Timestamp? {
        let now = transport.clock.now
        return Timestamp(rfc3339: text).map { end in
            now + min((answer.date ?? now).duration(to: end), .seconds(Self.maxLife))
        }
    }

    // MARK: Asking

    private func ask<Value>(
        _ url: ArtifactURL, headers: [(String, String)], secrets: [String], body: () throws -> String,
        read: (CredentialsTransport.Answer) throws -> Value
    ) async throws -> Value {
        try await transport.attempts(Self.maxAttempts, pause: .seconds(1)) {
            let offset = clockOffset.value
            var answer = try await transport.answer(.POST, url, headers: headers, body: try body(), timeout: Self.timeout)
            learn(answer)
            // A caller that learns that the time is wrong can sign again with the right one.
            if clockOffset.value != offset, answer.status == 400 || answer.status == 401 {
                answer = try await transport.answer(.POST, url, headers: headers, body: try body(), timeout: Self.timeout)
            }
            guard answer.status == 200 else {
                throw CredentialsError(status: answer.status, of: url.service, said: Self.error(answer.body), secrets: secrets)
            }
            return try read(answer)
        }
    }

    private func learn(_ answer: CredentialsTransport.Answer) {
        guard let date = answer.headers.first(name: "date") else { return }
        clockOffset.learn(date: date, at: transport.clock.now, tolerance: Self.clockTolerance)
    }

    /// RFC 6749 §5.2; elsewhere Google's own form of errors.
    private static func error(_ body: [UInt8]) -> (code: String, message: String)? {
        guard let fields = try? JSONFields(body, of: "the answer") else { return nil }
        let object = try? fields.object("error")
        let code = (try? fields.text("error")) ?? (try? object?.text("status"))
        let message = (try? fields.text("error_description")) ?? (try? object?.text("message"))
        guard code != nil || message != nil else { return nil }
        return (code ?? "", GCSFailure.cleaned(message ?? "", limit: 300))
    }
}
