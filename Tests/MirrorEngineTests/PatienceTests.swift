import Testing

@testable import MirrorEngine

@Suite("What is known of the patience of clients")
struct PatienceTests {
    private static let unknown = Patience(hop: .seconds(8), hops: 5)

    private func patience(_ userAgent: String, _ table: ClientTable = ClientTable(unknown: unknown)) -> Patience {
        table.patience(of: userAgent.utf8)
    }

    @Test(
        "Clients are known by what they really send",
        arguments: [
            (#"pip/23.2.1 {"ci":null,"cpu":"x86_64","distro":{"id":"bookworm"},"python":"3.11.7"}"#, 12, 25),
            (#"uv/0.13.9 {"installer":{"name":"uv","version":"0.13.9"}}"#, 25, 8),
            ("unknown/None; hf_hub/1.2.0; python/3.11.7; torch/2.4", 8, 15), ("Bazel/release 7.1.0", 16, 30),
            ("bazel/4.2.3", 16, 30), ("cargo 1.75.0", 25, 15), ("cargo/1.90.0 (abc 2026-01-01)", 25, 15),
            ("Debian APT-HTTP/1.3 (2.6.1)", 25, 15), ("Go-http-client/1.1", 25, 8), ("Java-http-client/17.0.15", 50, 2),
            ("Java/17.0.15", 25, 15), ("Apache-Maven/3.9.6 (Java 17.0.15; Linux 6.1)", 50, 2),
            ("docker/24.0.5 go/go1.20.6 git-commit/a61e2b4 os/linux arch/amd64", 25, 8), ("curl/7.88.1", 25, 25), ("Wget/1.21.3", 25, 17),
            ("aria2/1.36.0", 25, 17), ("npm/10.8.2 node/v20 linux x64 workspaces/false", 25, 15), ("python-requests/2.31.0", 8, 25),
            ("python-httpx/0.27", 4, 15), ("Python-urllib/3.11", 8, 8), ("git-lfs/3.3.0 (GitHub; linux amd64; go 1.19)", 25, 0),
            ("conda/24.1.2 requests/2.31.0 CPython/3.11.7 Linux/6.1.0 debian/12 glibc/2.36", 25, 15), ("mamba/1.5.8", 25, 15),
            // Whose names are behind those of others, whose redirects they do not follow as far.
            ("curl/7.88.1 Nix/2.8.0", 25, 8), ("yarn/1.22.19 npm/? node/v18.19.0 linux x64", 25, 8),
            ("pnpm/9.12.0 npm/? node/v22.0.0 linux x64", 25, 15),
        ])
    func known(userAgent: String, seconds: Int, hops: Int) {
        #expect(patience(userAgent) == Patience(hop: .seconds(seconds), hops: hops))
    }

    @Test(
        "Anybody else is unknown, also who only has a client's name in its own",
        arguments: ["", "x", "mypip/1.0", "my-pip/1.0", "not_curl/1", "pip", "PIP 23", String(repeating: "a ", count: 300) + "curl/8"])
    func unknown(userAgent: String) {
        #expect(patience(userAgent) == Self.unknown)
    }

    @Test("Without a User-Agent a client is unknown")
    func none() {
        #expect(ClientTable(unknown: Self.unknown).patience(of: String.UTF8View?.none) == Self.unknown)
    }

    @Test("Configured families go before the built-in ones, the first that fits decides, and letters have no case")
    func configured() {
        let mine = Patience(hop: .seconds(3), hops: 1)
        let other = Patience(hop: .seconds(5), hops: 2)
        let table = ClientTable(
            [
                .init(userAgent: "PIP/", patience: mine), .init(userAgent: "pip/23", patience: other),
                .init(userAgent: "ci", patience: other),
            ],
            unknown: Self.unknown)
        #expect(patience("pip/23.2.1", table) == mine)
        #expect(patience("Something (ci; linux)", table) == other)
        #expect(patience("uv/0.1", table) == Patience(hop: .seconds(25), hops: 8))
    }

    @Test("No client is kept waiting for as long as a proxy in between bears, nor sent around for ever")
    func bounds() {
        for family in ClientTable.builtIn {
            #expect(family.patience.hop <= .seconds(55), "\(family)")
            #expect((0...40).contains(family.patience.hops), "\(family)")
        }
        #expect(Set(ClientTable.builtIn.map { $0.userAgent.lowercased() }).count == ClientTable.builtIn.count)
    }

    private let configuration = RedirectConfiguration(maxWait: .seconds(60), waitLimit: .seconds(300))

    @Test("Answers are withheld for a hop each, until the client follows no more or the time is over")
    func hops() {
        let patience = Patience(hop: .seconds(12), hops: 3)
        #expect(configuration.wait(asked: nil, hop: 0, patience: patience) == Wait(limit: .seconds(12), nextHop: 1))
        #expect(
            configuration.wait(asked: nil, hop: 2, patience: patience) == Wait(limit: .seconds(12), before: .seconds(24), nextHop: 3))
        #expect(configuration.wait(asked: nil, hop: 3, patience: patience) == Wait(limit: .seconds(12), before: .seconds(36)))
        #expect(configuration.wait(asked: nil, hop: 4, patience: patience) == Wait(limit: .zero, before: .seconds(48)))
        #expect(configuration.wait(asked: nil, hop: 100, patience: patience) == Wait(limit: .zero, before: .seconds(60)))
    }

    @Test("The last hop gets what is left of the time")
    func rest() {
        let patience = Patience(hop: .seconds(25), hops: 10)
        #expect(
            configuration.wait(asked: nil, hop: 1, patience: patience) == Wait(limit: .seconds(25), before: .seconds(25), nextHop: 2))
        #expect(configuration.wait(asked: nil, hop: 2, patience: patience) == Wait(limit: .seconds(10), before: .seconds(50)))
        #expect(configuration.wait(asked: nil, hop: 3, patience: patience) == Wait(limit: .zero, before: .seconds(60)))
        let exact = Patience(hop: .seconds(30), hops: 10)
        #expect(configuration.wait(asked: nil, hop: 1, patience: exact) == Wait(limit: .seconds(30), before: .seconds(30)))
    }

    @Test("Where the mirror asks the origin itself afterwards, a wait that leaves too little time for that ends with one hop more")
    func relays() {
        let patience = Patience(hop: .seconds(12), hops: 3)
        func next(_ asked: Duration?, _ hop: Int) -> Int? {
            configuration.wait(asked: asked, hop: hop, patience: patience, isRelayed: true).nextHop
        }
        #expect((0...5).map { next(nil, $0) } == [1, 2, 3, 4, nil, nil])
        #expect([0, 6, 7, 60].map { next(.seconds($0), 0) } == [nil, nil, 1, 1])
        let first = configuration.wait(asked: nil, hop: 0, patience: patience)
        #expect(first.within(.seconds(1)) == Wait(limit: .seconds(1), look: .seconds(1), nextHop: 1))
        #expect(first.within(.seconds(-1)).limit == .zero)
    }

    @Test("What is no copy may take two seconds, and less where the client bears less, but at least one where it says so itself")
    func looks() {
        func look(_ asked: Duration?, _ hop: Duration) -> Duration {
            configuration.wait(asked: asked, hop: 0, patience: Patience(hop: hop, hops: 1)).look
        }
        #expect(look(nil, .seconds(25)) == .seconds(2))
        #expect(look(nil, .milliseconds(1_500)) == .milliseconds(1_500))
        #expect(look(.zero, .seconds(25)) == .seconds(1))
        #expect(look(.milliseconds(1_700), .seconds(25)) == .milliseconds(1_700))
        #expect(look(.seconds(60), .seconds(25)) == .seconds(2))
    }

    @Test("A client that says how long it waits is believed: no hops come of it")
    func asked() {
        let patience = Patience(hop: .seconds(12), hops: 3)
        #expect(configuration.wait(asked: .seconds(50), hop: 0, patience: patience) == Wait(limit: .seconds(50)))
        #expect(configuration.wait(asked: .seconds(5), hop: 2, patience: patience) == Wait(limit: .seconds(5)))
        #expect(configuration.wait(asked: .zero, hop: 0, patience: patience) == Wait(limit: .zero, look: .seconds(1)))
        #expect(configuration.wait(asked: .seconds(1_000), hop: 0, patience: patience) == Wait(limit: .seconds(300)))
    }
}
