import Crypto
import Hummingbird
import MirrorCore
import Synchronization

/// A session of a person who has logged in with an admin token.
struct DashboardSession: Sendable, Equatable {
    /// When it ends, and a random number: `1767225600.0123456789abcdef…`.
    let id: String
    let ends: Timestamp
    /// What the forms of its pages must contain, and what no other site can know.
    let formKey: String
}

/// The sessions of the dashboard.
///
/// Nothing is kept of them: a session is a signed statement in a cookie. The key is made of the admin token, so every node with the token knows the
/// session, and it ends when the token is revoked (decision 0039).
final class DashboardSessions: Sendable {
    static let cookie = "cloud_mirror_session"
    static let life = Duration.seconds(12 * 3_600)
    /// How many sessions that were ended early are remembered.
    static let maxEnded = 1_000

    private let tokens: Reloadable<AdminTokens>
    private let clock: any WallClock
    private let ended = Mutex(RecentEntries<String, Void>(capacity: maxEnded))

    init(tokens: Reloadable<AdminTokens>, clock: any WallClock) {
        self.tokens = tokens
        self.clock = clock
    }

    /// Whether anybody can log in.
    var isOpen: Bool { !tokens.value.isEmpty }

    /// - Returns: The value of the cookie; `nil` if it is not an admin token.
    func begin(with token: String) -> String? {
        guard let key = tokens.value.key(of: token) else { return nil }
        let nonce = RandomBytes.hex(16)
        let id = "\((clock.now + Self.life).milliseconds / 1_000).\(nonce)"
        return "\(id).\(Self.signature(of: id, for: "session", by: key))"
    }

    /// The session of a request.
    ///
    /// - Returns: `nil` if it has none, or one that has ended or was made with a token that is no longer valid.
    func session(of request: Request) -> DashboardSession? {
        Self.values(in: request).lazy.compactMap { self.session($0) }.first
    }

    /// Whether a session that was valid still is; for streams, which last longer than the request that began them.
    func isAlive(_ session: DashboardSession) -> Bool {
        clock.now < session.ends && !ended.withLock { $0[session.id] != nil }
            && tokens.value.keys.contains { Self.signature(of: session.id, for: "form", by: $0) == session.formKey }
    }

    /// Ends a session before its time. Other nodes do not learn of it, but its cookie is gone from the browser.
    func end(_ session: DashboardSession) {
        ended.withLock { $0.insert((), for: session.id) }
    }

    func session(_ value: Substring) -> DashboardSession? {
        let parts = value.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].utf8.count <= 12, parts[1].utf8.count == 32, let seconds = Int64(digits: parts[0]) else {
            return nil
        }
        let (id, ends) = ("\(parts[0]).\(parts[1])", Timestamp(milliseconds: seconds * 1_000))
        guard clock.now < ends, ends <= clock.now + Self.life, !ended.withLock({ $0[id] != nil }) else { return nil }
        for key in tokens.value.keys where Self.isEqual(Self.signature(of: id, for: "session", by: key), parts[2]) {
            return DashboardSession(id: id, ends: ends, formKey: Self.signature(of: id, for: "form", by: key))
        }
        return nil
    }

    /// Whether two texts are the same, in a time that does not depend on where they differ.
    static func isEqual(_ one: some StringProtocol, _ other: some StringProtocol) -> Bool {
        SHA256.hash(of: String(one)) == SHA256.hash(of: String(other))
    }

    /// - Parameter purpose: So that what signs one thing does not sign another.
    private static func signature(of id: String, for purpose: String, by key: SymmetricKey) -> String {
        Hex.encode(HMAC<SHA256>.authenticationCode(for: Array("cloud-mirror dashboard \(purpose) \(id)".utf8), using: key))
    }

    private static func values(in request: Request) -> [Substring] {
        request.headers[values: .cookie].flatMap { field in
            field.split(separator: ";").compactMap { pair -> Substring? in
                let pair = pair.drop { $0 == " " }
                guard pair.utf8.starts(with: "\(cookie)=".utf8) else { return nil }
                return Substring(pair.utf8.dropFirst(cookie.utf8.count + 1))
            }
        }
    }
}
