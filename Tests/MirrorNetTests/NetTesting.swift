import Logging
import MirrorCore
import MirrorTesting
import NIOCore
import NIOPosix
import Synchronization
import TestServers

@testable import MirrorNet

/// Answers from a list: the n-th question about a name is answered with the n-th line, later ones with the last.
final class StaticResolver: HostResolver {
    private let answers: [String: [[IPAddress]]]
    private let asked = Mutex<[String]>([])

    init(_ answers: [String: [[String]]]) {
        self.answers = answers.mapValues { $0.map { $0.compactMap(IPAddress.init) } }
    }

    /// Each name as often as it was asked for.
    var questions: [String] { asked.withLock { $0 } }

    func addresses(of name: String) async throws -> [IPAddress] {
        let number = asked.withLock { asked in
            asked.append(name)
            return asked.count { $0 == name }
        }
        guard let lines = answers[name], let last = lines.last else { throw OutboundError(.unresolvable, "\(name) has no address") }
        return number <= lines.count ? lines[number - 1] : last
    }
}

/// A client whose names all lead to this machine, and whose policy allows the origin under any of these names.
struct NetFixture {
    static let names = ["origin.example", "other.example", "127.0.0.1", "[::1]"]

    let origin: FakeOrigin
    let resolver: StaticResolver
    let client: GuardedClient

    /// Runs `body` with an origin and a client, and stops both.
    static func run<Result>(
        resolver: StaticResolver = StaticResolver(["origin.example": [["127.0.0.1"]], "other.example": [["127.0.0.1"]]]),
        allowAddresses: [String] = ["127.0.0.0/8"], maxRedirects: Int = 10, configuration: OutboundConfiguration = .testing(),
        isolation: isolated (any Actor)? = #isolation, _ body: (NetFixture) async throws -> Result
    ) async throws -> Result {
        try await FakeOrigin.run { origin async throws in
            let policy = try EgressPolicy(
                allow: names.map { .prefix(try ArtifactURL("http://\($0):\(origin.port)/")) }, requireHTTPS: false,
                allowAddresses: allowAddresses.compactMap(IPNetwork.init), maxRedirects: maxRedirects)
            let client = GuardedClient(
                policy: policy, configuration: configuration, resolver: resolver, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
            return try await ending {
                try await body(NetFixture(origin: origin, resolver: resolver, client: client))
            } with: {
                await client.shutdown()
            }
        }
    }

    func url(_ path: String, host: String = "origin.example") throws -> ArtifactURL {
        try ArtifactURL("http://\(host):\(origin.port)\(path)")
    }

    func get(_ path: String, host: String = "origin.example", headers: [(name: String, value: String)] = []) async throws
        -> OutboundResponse
    {
        try await client.send(OutboundRequest(.get, try url(path, host: host), headers: headers))
    }

    /// The code of the error that the request for `path`, or reading its body, ends with; `nil` for none.
    func failure(_ path: String, host: String = "origin.example") async throws -> OutboundError.Code? {
        do {
            _ = try await get(path, host: host).body.bytes()
            return nil
        } catch let error as OutboundError {
            return error.code
        }
    }
}

extension OutboundBody {
    /// All of it.
    func bytes() async throws -> [UInt8] {
        var all: [UInt8] = []
        for try await chunk in self { all += chunk.readableBytesView }
        return all
    }

    func text() async throws -> String { String(decoding: try await bytes(), as: UTF8.self) }
}

extension OutboundError.Code {
    var refusal: EgressRefusal.Reason? {
        switch self {
        case .refused(let refusal), .redirectRefused(let refusal, _): refusal.reason
        default: nil
        }
    }

    /// The host of a redirect that whoever is not bound by the policy may follow.
    var refusedHost: String? {
        if case .redirectRefused(_, let host) = self { host } else { nil }
    }
}

extension OutboundConfiguration {
    static func testing(_ change: (inout OutboundConfiguration) -> Void = { _ in }) -> OutboundConfiguration {
        var configuration = OutboundConfiguration(userAgent: "cloud-mirror/test")
        change(&configuration)
        return configuration
    }
}
