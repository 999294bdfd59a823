package import Logging
package import MirrorCore
package import MirrorNet
import MirrorSettings
import NIOCore
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Gets the tokens that image registries require, and keeps them until they expire.
///
/// A registry answers 401 and names a token service, which may be on any host. Its tokens are sent only to that registry. The operator's credentials
/// go to a token service only for a token that the registry's own host asks for, and only if the service is on that host, or on one that the named
/// origin lists in `links`; and the service must be https, unless the registry itself is not.
package final class UpstreamTokens: Sendable {
    private struct Key: Hashable {
        let origin: String
        let realm: String
        let service: String?
        let scope: String?
    }

    private struct Token: Sendable {
        let text: Secret
        let expires: ContinuousClock.Instant
    }

    private struct State {
        /// What a part of a registry last asked for, so that the next request need not be refused first.
        var challenges = RecentEntries<String, Challenge>(capacity: 4_096)
        var tokens = RecentEntries<Key, Token>(capacity: 1_024)
    }

    /// Bytes of an answer; a token is a few thousand at most.
    private static let maxAnswer = 64 << 10
    private static let maxToken = 16 << 10
    /// The life of a token for which the service does not state one (Docker Registry v2).
    private static let defaultLife = Duration.seconds(60)
    private static let maxLife = Duration.seconds(3_600)
    /// How long before it expires a token is no longer used.
    private static let margin = Duration.seconds(10)
    private static let answerLimit = Duration.seconds(30)

    private let client: GuardedClient
    private let clock: any MonotonicClock
    private let logger: Logger
    private let state = Mutex(State())
    private let flights = SingleFlight<Key, Token?>()

    package init(client: GuardedClient, clock: any MonotonicClock, logger: Logger) {
        self.client = client
        self.clock = clock
        self.logger = logger
    }

    /// The token that a request will probably need.
    ///
    /// - Returns: `nil` if the origin has not been asked for anything similar before, or no token can be obtained.
    /// - Throws: `CancellationError`.
    func token(for url: ArtifactURL, of origin: NamedOrigin) async throws -> Secret? {
        guard let challenge = state.withLock({ $0.challenges[Self.part(of: url, origin)] }) else { return nil }
        return try await token(challenge, for: url, of: origin, unlike: nil)
    }

    /// The token that an origin asks for.
    ///
    /// - Parameters:
    ///   - fields: The `WWW-Authenticate` of its 401.
    ///   - refused: The token that it was sent.
    /// - Returns: `nil` if it asks for none, or none can be obtained.
    /// - Throws: `CancellationError`.
    func token(
        challenged fields: [String], by url: ArtifactURL, of origin: NamedOrigin, refused: Secret?
    ) async throws -> Secret? {
        guard let challenge = Challenge(fields) else { return nil }
        state.withLock { $0.challenges.insert(challenge, for: Self.part(of: url, origin)) }
        return try await token(challenge, for: url, of: origin, unlike: refused)
    }

    private func token(_ challenge: Challenge, for url: ArtifactURL, of origin: NamedOrigin, unlike refused: Secret?) async throws
        -> Secret?
    {
        let key = Key(
            origin: "\(origin.name) \(url.scheme.rawValue)://\(url.authority)", realm: challenge.realm, service: challenge.service,
            scope: challenge.scope)
        if let token = state.withLock({ $0.tokens[key] }), token.expires > clock.instant, token.text != refused { return token.text }
        guard let service = serviceURL(challenge, for: url) else { return nil }
        let token = try await flights.run(key) {
            // Another request may have got one in the meantime.
            if let token = self.state.withLock({ $0.tokens[key] }), token.expires > self.clock.instant, token.text != refused {
                return token
            }
            let token =
                try await leaving(after: Self.answerLimit, by: self.clock) { try await self.fetch(service, for: url, of: origin) } ?? nil
            if let token { self.state.withLock { $0.tokens.insert(token, for: key) } }
            return token
        }
        return token?.text
    }

    private func serviceURL(_ challenge: Challenge, for url: ArtifactURL) -> ArtifactURL? {
        guard let realm = try? ArtifactURL(challenge.realm) else { return nil }
        guard realm.scheme == .https || url.scheme == .http else {
            logger.warning("A token service is not used because it is not https", metadata: ["service": "\(realm.redacted)"])
            return nil
        }
        var query = realm.query.map { [$0] } ?? []
        if let service = challenge.service { query.append("service=\(PercentCoding.encode(service))") }
        for scope in challenge.scope?.split(separator: " ") ?? [] { query.append("scope=\(PercentCoding.encode(String(scope)))") }
        return realm.replacingQuery(with: query.isEmpty ? nil : query.joined(separator: "&"))
    }

    /// - Parameter url: What the token is for.
    /// - Returns: `nil` if the service does not issue one.
    private func fetch(_ service: ArtifactURL, for url: ArtifactURL, of origin: NamedOrigin) async throws -> Token? {
        do {
            let request = OutboundRequest(
                .get, service, headers: [("Accept", "application/json")],
                credentials: mayHaveCredentials(service, for: url, of: origin) ? origin.credentials.fields(client: nil) : [])
            let response = try await client.send(request)
            guard response.status == 200 else {
                logger.debug(
                    "A token service gives no token",
                    metadata: ["service": "\(service.redacted)", "status": .stringConvertible(response.status)])
                return nil
            }
            var bytes: [UInt8] = []
            for try await chunk in response.body {
                guard bytes.count + chunk.readableBytes <= Self.maxAnswer else { return nil }
                bytes.append(contentsOf: chunk.readableBytesView)
            }
            return Self.token(in: bytes, now: clock.instant)
        } catch let error as OutboundError {
            logger.debug("A token service does not answer", metadata: ["service": "\(service.redacted)", "error": "\(error)"])
            return nil
        }
    }

    private struct Answer: Decodable {
        let token: String?
        let access_token: String?
        let expires_in: Double?
    }

    private static func token(in bytes: [UInt8], now: ContinuousClock.Instant) -> Token? {
        guard let answer = try? ForeignJSON.decode(Answer.self, from: bytes), let text = answer.token ?? answer.access_token,
            (1...maxToken).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { return nil }
        let stated = answer.expires_in.flatMap { $0.isFinite && $0 > 0 ? Duration.seconds(min($0, 3_600)) : nil }
        let life = min(stated ?? defaultLife, maxLife)
        return Token(text: Secret(text), expires: now + max(life - margin, life / 2))
    }

    /// The request may have been refused by a host that the registry redirected to, from which the next part of an artifact is requested directly.
    /// Such a host has no influence here: it would be sent the token, and it names what the token is for.
    private func mayHaveCredentials(_ service: ArtifactURL, for url: ArtifactURL, of origin: NamedOrigin) -> Bool {
        guard origin.credentials != .client, Self.areOnOneServer(url, origin.url) else { return false }
        return origin.places.contains { Self.areOnOneServer($0, service) }
    }

    private static func areOnOneServer(_ one: ArtifactURL, _ other: ArtifactURL) -> Bool {
        (one.scheme, one.host, one.port) == (other.scheme, other.host, other.port)
    }

    /// The part of an origin that has its own token: one repository of a registry.
    private static func part(of url: ArtifactURL, _ origin: NamedOrigin) -> String {
        var path = url.path[...]
        for end in ["/manifests/", "/blobs/", "/tags/", "/referrers/"] {
            guard let range = url.path.ranges(of: end).last else { continue }
            path = url.path[..<range.lowerBound]
            break
        }
        return "\(origin.name) \(url.scheme.rawValue)://\(url.authority)\(path)"
    }
}
