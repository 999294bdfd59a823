import CoreMetrics
import MirrorCore
import MirrorTesting
import TestServers
import Testing

@testable import MirrorServer

@Suite(.timeLimit(.minutes(1)))
struct AdminRefusalsTests {
    private let clock = ManualClock()
    private let log = LogRecorder()
    private let refusals: AdminRefusals

    init() {
        refusals = AdminRefusals(factory: MetricsRegistry(), clock: clock)
    }

    /// Wrong tokens of a client; the time goes on as far as it must.
    private func guess(_ client: String, times: Int = 1) async {
        let address = IPAddress(client)
        for _ in 0..<times {
            let guess = Task { await refusals.wrongToken(from: address, log.logger) }
            let clock = clock
            let watch = Task {
                while !Task.isCancelled {
                    if clock.sleeperCount > 0 { clock.advance(by: AdminRefusals.maxDelay) } else { await Task.yield() }
                }
            }
            await guess.value
            watch.cancel()
            await watch.value
        }
    }

    @Test func `each wrong token is answered later than the one before, up to two seconds`() {
        let delays = (1...12).map { AdminRefusals.delay(after: $0) }
        #expect(delays.prefix(3).allSatisfy { $0 == .zero })
        #expect(Array(delays[3...7]) == [.milliseconds(250), .milliseconds(500), .seconds(1), .seconds(2), .seconds(2)])
        #expect(AdminRefusals.delay(after: .max) == AdminRefusals.maxDelay)
    }

    @Test func `the log names the address, once a minute, with the number of calls`() async {
        await guess("192.0.2.1", times: 3)
        #expect(log.all.count == 1)
        #expect(log.all[0].contains("192.0.2.1"))
        clock.advance(by: AdminRefusals.logInterval)
        await guess("192.0.2.1")
        #expect(log.all.count == 2)
        #expect(log.all[1].contains("\"calls\": 3"), "\(log.all[1])")
    }

    @Test func `a crowd of guessers makes a few lines, however many they are`() async {
        for number in 0..<250 { await guess("192.0.2.\(number)") }
        #expect(log.all.count == AdminRefusals.maxLines)
        clock.advance(by: AdminRefusals.logInterval)
        await guess("198.51.100.1")
        #expect(log.all.count == AdminRefusals.maxLines + 1)
    }

    @Test func `an IPv6 client cannot change its address to be answered sooner`() async {
        for number in 1...3 { await guess("2001:db8::\(number)") }
        let fourth = Task { await refusals.wrongToken(from: IPAddress("2001:db8::4"), log.logger) }
        await clock.sleepers(1)
        clock.advance(by: AdminRefusals.firstDelay)
        await fourth.value
        // Another network.
        await refusals.wrongToken(from: IPAddress("2001:db8:0:1::1"), log.logger)
    }

    @Test func `who has not guessed for long begins anew, and so does who was pushed out of the table`() async {
        await guess("192.0.2.1", times: 3)
        clock.advance(by: AdminRefusals.memory)
        await refusals.wrongToken(from: IPAddress("192.0.2.1"), log.logger)
        await guess("192.0.2.1", times: 2)
        for number in 0..<AdminRefusals.maxClients {
            clock.advance(by: .milliseconds(1))
            await guess("10.0.\(number / 256).\(number % 256)")
        }
        await refusals.wrongToken(from: IPAddress("192.0.2.1"), log.logger)
    }

    @Test func `no more answers are withheld than may be`() async {
        await guess("192.0.2.1", times: 3)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<AdminRefusals.maxDelayed { group.addTask { await refusals.wrongToken(from: IPAddress("192.0.2.1"), log.logger) } }
            await clock.sleepers(AdminRefusals.maxDelayed)
            // At once.
            await refusals.wrongToken(from: IPAddress("192.0.2.1"), log.logger)
            clock.advance(by: AdminRefusals.maxDelay)
        }
        // Their places are free again.
        let next = Task { await refusals.wrongToken(from: IPAddress("192.0.2.1"), log.logger) }
        await clock.sleepers(1)
        clock.advance(by: AdminRefusals.maxDelay)
        await next.value
    }
}
