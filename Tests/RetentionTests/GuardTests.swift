import Testing

@testable import Retention

@Suite("The guard")
struct GuardTests {
    private static let costs = PoolPrices(egress: 1, storage: 730, put: 0, get: 0, originGet: 0).costs(of: Double(1 << 30))

    @Test("what is committed is entered once, and replaced by what was paid")
    func committed() {
        var account = GuardAccount()
        var open = 0.0
        account.countUse(Self.costs)
        account.commit(Self.costs, kept: 1_800, open: &open)
        // Half a dollar for half of T*, and T* may cost 1.1.
        #expect(abs(account.debt - (0.5 - 1.1)) < 1e-12)
        account.commit(Self.costs, kept: 1_800, open: &open)
        #expect(abs(account.debt - (0.5 - 1.1)) < 1e-12)
        account.settle(Self.costs, gap: 2_700, kept: 1_800, isMiss: true, open: &open)
        #expect(open == 0)
        #expect(abs(account.debt - (0.5 + 1 - 1.1 * 0.75)) < 1e-12)
    }

    @Test("a replica that is taken away before its time is settled with what it has cost, and without a miss")
    func takenAway() {
        var account = GuardAccount()
        var open = 0.0
        account.countUse(Self.costs)
        account.commit(Self.costs, kept: 1_800, open: &open)
        account.close(Self.costs, kept: 900, open: &open)
        #expect(open == 0)
        // A quarter of a dollar each, and T* may cost 1.1.
        #expect(abs(account.debt - (0.25 - 1.1 * 0.25)) < 1e-12)
        account.close(Self.costs, kept: 7_200, open: &open)
        // T* would have ended after an hour.
        #expect(abs(account.debt - (0.25 - 1.1 * 0.25 + 2 - 1.1)) < 1e-12)
    }

    @Test("a debt of more than twenty mean misses engages it, and it stays until the debt is less")
    func engaging() {
        var account = GuardAccount()
        var open = 0.0
        var misses = 0
        while !account.engage() {
            account.countUse(Self.costs)
            // A use just before T*, when the replica is gone at once.
            account.settle(Self.costs, gap: 60, kept: 0, isMiss: true, open: &open)
            misses += 1
        }
        #expect(misses == 21)
        #expect(account.isGuarded)
        let isEngagedAgain = account.engage()
        #expect(!isEngagedAgain)
        account.release()
        #expect(account.isGuarded)
        for _ in 0..<10 { account.settle(Self.costs, gap: 7_200, kept: 0, isMiss: true, open: &open) }
        account.release()
        #expect(!account.isGuarded)
    }

    @Test("merit fades by half in thirty days, and debts do not")
    func fading() {
        var account = GuardAccount()
        var open = 0.0
        account.commit(Self.costs, kept: 0, open: &open)
        let merit = account.debt
        account.fade(30 * 86_400)
        #expect(abs(account.debt - merit / 2) < 1e-12)
        account.settle(Self.costs, gap: 60, kept: 60, isMiss: true, open: &open)
        account.settle(Self.costs, gap: 60, kept: 60, isMiss: true, open: &open)
        let debt = account.debt
        #expect(debt > 0)
        account.fade(86_400)
        #expect(account.debt == debt)
    }

    /// Gaps of a minute teach a short life; then each artifact comes back a little later than what was learnt.
    private static func adversary() -> [Vectors.Request] {
        var requests: [Vectors.Request] = []
        for artifact in 0..<100 {
            for use in 0..<5 {
                requests.append(
                    .init(time: Double(artifact) * 34_560 + Double(use) * 60, key: "a/x/\(artifact)", region: "r", bytes: 1 << 30))
            }
        }
        for round in 0..<60 {
            for artifact in 0..<25 {
                requests.append(
                    .init(
                        time: 40 * 86_400 + Double(round) * 28_800 + Double(artifact), key: "a/x/\(artifact)", region: "r", bytes: 1 << 30))
            }
        }
        return requests
    }

    @Test("an adversary costs no more than the promise says")
    func promise() throws {
        let requests = Self.adversary()
        let guarded = try NamedReplay(requests, try Vectors.priceSet("internet"))
        let total = try #require(guarded.ledgers[.hazard]).total
        let breakEven = try #require(guarded.ledgers[.breakEven]).total
        let miss = try #require(try Vectors.priceSet("internet").prices(region: "r")).costs(of: Double(1 << 30)).margin
        // 1.1 x T* + 20 misses + 4 M, and for each artifact one miss and one tail.
        #expect(total <= 1.1 * breakEven + 24 * miss + 100 * 2 * miss)
    }
}
