import MirrorCore
import Testing

@testable import MirrorEngine

@Suite("Budgets of client networks")
struct BudgetTableTests {
    private static let start = ContinuousClock.now
    private static let limits = ColdClaimLimits(perSecond: 2, burst: 10, bytesPerMinute: 600)

    private static func at(_ seconds: Double) -> ContinuousClock.Instant { start + .seconds(seconds) }
    private static func network(_ number: Int) -> ClientNetwork {
        ClientNetwork(IPAddress(bytes: [10, UInt8(number >> 16 & 255), UInt8(number >> 8 & 255), UInt8(number & 255)]))
    }

    /// How many claims are granted in a row.
    private static func claims(
        _ table: inout BudgetTable, _ number: Int = 1, _ limits: ColdClaimLimits = limits, at seconds: Double
    ) -> Int {
        (0..<1_000).prefix { _ in table.claim(network(number), limits, at: at(seconds)) == nil }.count
    }

    @Test(
        "A log has the neighborhood of a client, and not its address",
        arguments: [
            ("192.0.2.77", "192.0.2.0/24"), ("::ffff:10.1.2.3", "10.1.2.0/24"), ("2001:db8:1:2::3", "2001:db8:1::/48"),
            ("fd00::1", "fd00::/48"),
        ])
    func neighborhoods(_ address: String, _ neighborhood: String) throws {
        let network = ClientNetwork(try #require(IPAddress(address)))
        #expect(network.neighborhood == neighborhood)
        // A site, where there is one, is written in the same way.
        if let site = network.site { #expect(site.neighborhood == neighborhood) }
        #expect(ClientNetwork(nil).neighborhood == nil)
    }

    // MARK: Claims

    @Test("A network has its burst at once, and then so many a second; another one has its own")
    func burst() {
        var table = BudgetTable()
        #expect(Self.claims(&table, at: 0) == 10)
        #expect(table.claim(Self.network(1), Self.limits, at: Self.at(0)) == .claims)
        #expect(Self.claims(&table, 2, at: 0) == 10)
        #expect(Self.claims(&table, at: 0.4) == 0)
        #expect(Self.claims(&table, at: 0.5) == 1)
        #expect(Self.claims(&table, at: 3) == 5)
        // However long it was quiet.
        #expect(Self.claims(&table, at: 1_000_000) == 10)
    }

    @Test("What is asked with a time that is past spends, and refills nothing")
    func past() {
        var table = BudgetTable()
        #expect(Self.claims(&table, at: 100) == 10)
        #expect(Self.claims(&table, at: 0) == 0)
        #expect(Self.claims(&table, at: 100) == 0)
        #expect(Self.claims(&table, at: 101) == 2)
        // And takes nothing away.
        var other = BudgetTable()
        for _ in 0..<5 { _ = other.claim(Self.network(1), Self.limits, at: Self.at(100)) }
        #expect(Self.claims(&other, at: 90) == 5)
    }

    @Test("Whoever is refused is told so without a claim, and is no longer once there is something to spend")
    func looks() {
        var table = BudgetTable()
        #expect(table.refusal(of: Self.network(1), Self.limits, at: Self.at(0)) == nil)
        #expect(table.count == 0)
        _ = Self.claims(&table, at: 0)
        #expect(table.refusal(of: Self.network(1), Self.limits, at: Self.at(0)) == .claims)
        #expect(table.refused(Self.limits, at: Self.at(0)) == [Self.network(1)])
        #expect(table.refusal(of: Self.network(1), Self.limits, at: Self.at(1)) == nil)
        #expect(table.refused(Self.limits, at: Self.at(1)) == [])
        #expect(Self.claims(&table, at: 1) == 2)
    }

    @Test("Without limits everything is granted")
    func unlimited() {
        var table = BudgetTable()
        #expect(Self.claims(&table, 1, .none, at: 0) == 1_000)
        table.charge(.max, to: Self.network(1), .none, at: Self.at(0))
        #expect(Self.claims(&table, 1, .none, at: 0) == 1_000)
        #expect(table.refused(.none, at: Self.at(0)) == [])
    }

    @Test("Limits that change hold at once for those who are known, too")
    func changes() {
        var table = BudgetTable()
        #expect(Self.claims(&table, at: 0) == 10)
        #expect(Self.claims(&table, 1, .none, at: 0) == 1_000)
        // What was granted without a limit was not spent of one.
        let wider = ColdClaimLimits(perSecond: 100, burst: 50, bytesPerMinute: 600)
        #expect(Self.claims(&table, 1, wider, at: 1) <= 50)
        #expect(Self.claims(&table, 1, wider, at: 2) == 50)
        #expect(Self.claims(&table, at: 3) == 2)
    }

    // MARK: Bytes

    @Test("A network whose copies were larger than its budget claims nothing until that is made up for")
    func debt() {
        var table = BudgetTable()
        table.charge(599, to: Self.network(1), Self.limits, at: Self.at(0))
        #expect(table.claim(Self.network(1), Self.limits, at: Self.at(0)) == nil)
        table.charge(1_001, to: Self.network(1), Self.limits, at: Self.at(0))
        #expect(table.claim(Self.network(1), Self.limits, at: Self.at(0)) == .bytes)
        #expect(table.claim(Self.network(2), Self.limits, at: Self.at(0)) == nil)
        // 1,000 over, at 10 a second.
        #expect(table.claim(Self.network(1), Self.limits, at: Self.at(99)) == .bytes)
        #expect(table.claim(Self.network(1), Self.limits, at: Self.at(101)) == nil)
    }

    @Test("No debt lasts longer than an hour, whatever a pool says", arguments: [36_001, Int64.max])
    func absurd(_ bytes: Int64) {
        var table = BudgetTable()
        for _ in 0..<3 { table.charge(bytes, to: Self.network(1), Self.limits, at: Self.at(0)) }
        #expect(table.claim(Self.network(1), Self.limits, at: Self.at(3_599)) == .bytes)
        #expect(table.claim(Self.network(1), Self.limits, at: Self.at(3_601)) == nil)
        table.charge(.min, to: Self.network(1), Self.limits, at: Self.at(3_601))
        #expect(Self.claims(&table, at: 3_601) == 9)
    }

    // MARK: Many networks

    @Test("A full table forgets those who have all of their budget, and keeps those who do not")
    func full() {
        var table = BudgetTable(capacity: 10)
        for number in 0..<10 { _ = table.claim(Self.network(number), Self.limits, at: Self.at(0)) }
        _ = Self.claims(&table, 3, at: 0)
        table.charge(5_000, to: Self.network(4), Self.limits, at: Self.at(0))
        for number in 10..<1_000 {
            #expect(table.claim(Self.network(number), Self.limits, at: Self.at(1)) == nil)
            #expect(table.count <= 10)
        }
        #expect(table.refusal(of: Self.network(4), Self.limits, at: Self.at(1)) == .bytes)
        #expect(table.refusal(of: Self.network(3), Self.limits, at: Self.at(0)) == .claims)
    }

    @Test("A flood of networks costs bounded memory and little time")
    func flood() {
        var table = BudgetTable(capacity: 1_000)
        for number in 0..<50_000 { _ = table.claim(Self.network(number), Self.limits, at: Self.at(Double(number) / 10_000)) }
        #expect(table.count <= 1_000)
    }

    // MARK: Networks

    @Test(
        "A network is an IPv4 address or an IPv6 /64",
        arguments: [
            ("10.1.2.3", "10.1.2.3"), ("::ffff:10.1.2.3", "10.1.2.3"), ("255.0.255.1", "255.0.255.1"),
            ("2001:db8:1:2::7", "2001:db8:1:2::/64"),
            ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"), ("2001:db8:1:3::7", "2001:db8:1:3::/64"), ("::1", "::/64"),
            ("0.0.0.0", "0.0.0.0"),
        ])
    func networks(_ address: String, _ expected: String) {
        #expect(ClientNetwork(IPAddress(address)).description == expected)
        #expect(ClientNetwork(nil) != ClientNetwork(IPAddress(address)))
    }

    @Test("Of one /64 all addresses are one network, of another none is")
    func sameNetwork() {
        func network(_ text: String) -> ClientNetwork { ClientNetwork(IPAddress(text)) }
        #expect(network("2001:db8:1:2::7") == network("2001:db8:1:2:a:b:c:d"))
        #expect(network("2001:db8:1:2::7") != network("2001:db8:1:3::7"))
        #expect(network("10.1.2.3") != network("10.1.2.4"))
        #expect(network("0.0.0.0") != network("::"))
    }

    @Test("The site of an IPv6 network is its /48; IPv4 addresses have none")
    func sites() {
        func site(_ text: String) -> ClientNetwork? { ClientNetwork(IPAddress(text)).site }
        #expect(site("2001:db8:1:2::7")?.description == "2001:db8:1::/48")
        #expect(site("2001:db8:1:2::7") == site("2001:db8:1:ffff::7"))
        #expect(site("2001:db8:1:2::7") != site("2001:db8:2:2::7"))
        #expect(site("2001:db8:1:0::7") != ClientNetwork(IPAddress("2001:db8:1:0::7")))
        #expect(site("2001:db8:1:2::7")?.site == nil)
        #expect(site("10.1.2.3") == nil)
        // All of a company may be in one.
        #expect(site("fd00:1:2:3::7") == nil)
        #expect(ClientNetwork(nil).site == nil)
    }

    @Test("The networks of one site have as much together as three of them")
    func budgetOfSite() {
        var table = BudgetTable()
        func network(_ number: Int, of site: Int = 1) -> ClientNetwork { ClientNetwork(IPAddress("2001:db8:\(site):\(number)::1")) }
        func claims(_ network: ClientNetwork, at seconds: Double) -> Int {
            (0..<1_000).prefix { _ in table.claim(network, Self.limits, at: Self.at(seconds)) == nil }.count
        }
        #expect((1...5).map { claims(network($0), at: 0) } == [10, 10, 10, 0, 0])
        #expect(table.refused(Self.limits, at: Self.at(0)).map(\.description).contains("2001:db8:1::/48"))
        #expect(claims(network(1, of: 2), at: 0) == 10)
        // Two a second for each, and six for all of them.
        #expect((1...5).map { claims(network($0), at: 1) } == [2, 2, 2, 0, 0])
        #expect(claims(network(6), at: 3) == 10)

        table.charge(1_799, to: network(1, of: 3), Self.limits, at: Self.at(0))
        #expect(table.claim(network(1, of: 3), Self.limits, at: Self.at(0)) == .bytes)
        #expect(table.claim(network(2, of: 3), Self.limits, at: Self.at(0)) == nil)
        table.charge(1, to: network(1, of: 3), Self.limits, at: Self.at(0))
        #expect(table.claim(network(2, of: 3), Self.limits, at: Self.at(0)) == .bytes)
    }

    @Test("What is given back can be taken again, by the network and by its site")
    func shares() {
        var shares = NetworkShares()
        func network(_ text: String) -> ClientNetwork { ClientNetwork(IPAddress(text)) }
        let networks = (0..<4).map { network("2001:db8:1:\($0)::1") }
        func take(_ network: ClientNetwork) -> ClientNetwork? {
            let full = shares.full(network, limit: 1)
            if full == nil { shares.take(network) }
            return full
        }
        for network in networks[..<3] { #expect(take(network) == nil) }
        #expect(take(networks[0]) == networks[0])
        #expect(take(networks[3]) == networks[3].site)
        shares.giveBack(networks[1])
        #expect(take(networks[3]) == nil)
        #expect(take(networks[1]) == networks[1].site)
        for index in [0, 2, 3] { shares.giveBack(networks[index]) }
        for network in networks[..<3] { #expect(take(network) == nil) }
    }

    @Test("Amounts are taken as a whole or not at all, and given back in other portions")
    func amounts() {
        var shares = NetworkShares()
        let network = ClientNetwork(IPAddress("192.0.2.1"))
        #expect(shares.full(network, limit: 10, for: 11) == network)
        #expect(shares.full(network, limit: 10, for: 10) == nil)
        shares.take(network, 7)
        #expect(shares.full(network, limit: 10, for: 4) == network)
        #expect(shares.full(network, limit: 10, for: 3) == nil)
        shares.giveBack(network, 2)
        #expect(shares.full(network, limit: 10, for: 5) == nil)
        #expect(shares.full(network, limit: 10, for: 6) == network)
        shares.giveBack(network, 5)
        #expect(shares.full(network, limit: 10, for: 10) == nil)
    }
}
