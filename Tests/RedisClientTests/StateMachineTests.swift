import Logging
import NIOCore
import NIOEmbedded
import Testing

@testable import RedisClient

/// Without any I/O.
@Suite("Replies, handshakes and pauses")
struct StateMachineTests {
    private static let limits = ReplyQueue.Limits(command: .milliseconds(200), stall: .seconds(2), ping: .seconds(1))

    private static func at(_ milliseconds: Int64) -> NIODeadline { .uptimeNanoseconds(1_000_000_000) + .milliseconds(milliseconds) }

    private static func command(deadline: NIODeadline) -> PendingCommand {
        PendingCommand(
            command: RedisCommand(["PING"], key: nil), script: nil, isTracked: false, deadline: deadline, answer: .callback { _ in })
    }

    @Test("A command without an answer is told once; its late answer still has its place in the order")
    func timeout() {
        var queue = ReplyQueue(limits: Self.limits, now: Self.at(0))
        queue.append(.command(Self.command(deadline: Self.at(210))), now: Self.at(10))
        queue.append(.command(Self.command(deadline: Self.at(300))), now: Self.at(100))
        let verdict1 = queue.check(at: Self.at(150))
        #expect(verdict1.timedOut.isEmpty)
        let verdict2 = queue.check(at: Self.at(150))
        #expect(verdict2.next == Self.at(210))
        #expect(!queue.isOverdue)

        let verdict = queue.check(at: Self.at(210))
        #expect(verdict.timedOut.count == 1)
        #expect(verdict.next == Self.at(300))
        #expect(queue.isOverdue)
        let verdict3 = queue.check(at: Self.at(220))
        #expect(verdict3.timedOut.isEmpty)

        let answersAgain = queue.bytesCame(at: Self.at(250))
        #expect(answersAgain)
        #expect(!queue.isOverdue)
        guard case .abandoned = queue.popFirst(), case .command = queue.popFirst() else {
            Issue.record("out of order")
            return
        }
        #expect(queue.isEmpty)
    }

    @Test("While bytes come a late answer is late and not overdue; without any the connection is given up in the end")
    func stall() {
        var queue = ReplyQueue(limits: Self.limits, now: Self.at(0))
        queue.append(.command(Self.command(deadline: Self.at(200))), now: Self.at(0))
        _ = queue.bytesCame(at: Self.at(150))
        let verdict = queue.check(at: Self.at(250))
        #expect(verdict.timedOut.count == 1)
        #expect(!queue.isOverdue)
        #expect(verdict.next == Self.at(350))
        let verdict4 = queue.check(at: Self.at(350))
        #expect(!verdict4.isStalled)
        #expect(queue.isOverdue)
        let verdict5 = queue.check(at: Self.at(2_149))
        #expect(!verdict5.isStalled)
        let verdict6 = queue.check(at: Self.at(2_150))
        #expect(verdict6.isStalled)
    }

    @Test("An idle connection is asked for a sign of life; a busy one is not")
    func ping() {
        var queue = ReplyQueue(limits: Self.limits, now: Self.at(0))
        let verdict7 = queue.check(at: Self.at(999))
        #expect(verdict7.next == Self.at(1_000))
        let verdict8 = queue.check(at: Self.at(999))
        #expect(!verdict8.wantsPing)
        let verdict9 = queue.check(at: Self.at(1_000))
        #expect(verdict9.wantsPing)
        _ = queue.bytesCame(at: Self.at(1_000))
        let verdict10 = queue.check(at: Self.at(1_500))
        #expect(!verdict10.wantsPing)
        queue.append(.ignored, now: Self.at(1_500))
        let verdict11 = queue.check(at: Self.at(2_000))
        #expect(!verdict11.wantsPing)
        #expect(queue.isOverdue)
    }

    @Test("A command that waited long before it was sent says little about the server")
    func sentLate() {
        var queue = ReplyQueue(limits: Self.limits, now: Self.at(0))
        queue.append(.command(Self.command(deadline: Self.at(200))), now: Self.at(190))
        let verdict12 = queue.check(at: Self.at(200))
        #expect(verdict12.timedOut.count == 1)
        #expect(!queue.isOverdue)
        let verdict13 = queue.check(at: Self.at(340))
        #expect(verdict13.timedOut.isEmpty)
        #expect(queue.isOverdue)
    }

    private static func hello(_ version: String) -> RedisValue {
        .map([.simple("server"), .simple("redis"), .simple("version"), .simple(version), .simple("proto"), .integer(3)])
    }

    @Test("A handshake names the user, the database and the channels, and is over when all of it is confirmed")
    func handshake() {
        var handshake = RedisHandshake(
            RedisHandshake.Plan(username: "u", password: "p", clientName: "c", database: 2, asksRole: true, channels: ["a", "b"]))
        var bytes = ByteBuffer()
        handshake.encode(into: &bytes)
        #expect(
            RESPParser.read([bytes]) == [
                "['HELLO' '3' 'AUTH' 'u' 'p' 'SETNAME' 'c']", "['SELECT' '2']", "['CLIENT' 'TRACKING' 'ON' 'OPTIN' 'NOLOOP']", "['ROLE']",
                "['PING']", "['SUBSCRIBE' 'a' 'b']",
            ])
        let replies: [RedisValue] = [Self.hello("7.4.1"), .simple("OK"), .simple("OK"), .array([.simple("master")]), .simple("PONG")]
        for reply in replies {
            guard case .more = handshake.received(reply) else {
                Issue.record("\(reply)")
                return
            }
        }
        guard case .more = handshake.subscribed(to: "b"), case .done = handshake.subscribed(to: "a") else {
            Issue.record("not done")
            return
        }
        #expect(handshake.serverVersion == "7.4.1")
        #expect(handshake.trackingRefusal == nil)
    }

    @Test(
        "What a server refuses is said with what to do",
        arguments: [
            ([.error(RedisError(.server("WRONGPASS"), "WRONGPASS invalid username-password pair"))], "right user name and password"),
            ([.error(RedisError(.server("NOAUTH"), "NOAUTH HELLO must be called"))], "requires a password"),
            ([.error(RedisError(.server("NOPERM"), "NOPERM this user has no permissions"))], "change its ACL"),
            ([.error(RedisError(.server("ERR"), "ERR unknown command 'HELLO'"))], "7.0 or later"),
            ([hello("6.2.14")], "6.2.14 is too old"), ([hello("")], "too old"), ([.map([])], "too old"), ([.simple("OK")], "not a map"),
            ([hello("7.0.0"), .array([.simple("slave")])], "not a master"),
            ([hello("8.1.0"), .array([.simple("master")]), .error(RedisError(.server("LOADING"), "LOADING data"))], "LOADING"),
        ] as [([RedisValue], String)])
    func refusals(_ replies: [RedisValue], _ part: String) {
        var handshake = RedisHandshake(RedisHandshake.Plan(clientName: "c", isTracking: false, asksRole: true))
        for reply in replies.dropLast() { _ = handshake.received(reply) }
        guard let last = replies.last, case .failed(let error) = handshake.received(last) else {
            Issue.record("not refused")
            return
        }
        #expect(error.message.contains(part), "\(error.message)")
    }

    @Test("A server of a cluster is taken once the cluster takes commands", arguments: [("ok", true), ("fail", false)])
    func clusterState(_ state: String, _ isTaken: Bool) {
        var handshake = RedisHandshake(RedisHandshake.Plan(clientName: "c", isTracking: false, asksCluster: true))
        _ = handshake.received(Self.hello("7.0.15"))
        let info = ByteBuffer(string: "cluster_state:\(state)\r\ncluster_slots_assigned:16384\r\n")
        switch handshake.received(.blob(info)) {
        case .more: #expect(isTaken)
        case .failed(let error): #expect(!isTaken && error.code == .notConnected)
        case .done: Issue.record("the handshake is not over")
        }
    }

    @Test("Pauses double up to the limit, and at most half of each is left to chance")
    func backoff() {
        for _ in 0..<100 {
            var backoff = Backoff(first: .milliseconds(25), limit: .milliseconds(500))
            for whole: Int64 in [25, 50, 100, 200, 400, 500, 500, 500] {
                let pause = backoff.next()
                #expect(pause >= .microseconds(whole * 500) && pause <= .milliseconds(whole))
            }
            backoff.reset()
            let first = backoff.next()
            #expect(first <= .milliseconds(25))
        }
    }

    @Test("Each command waits for as long as it may, in whatever order they came; what was taken is not given up")
    func waiting() {
        var configuration = RedisConfiguration(addresses: [])
        configuration.commandTimeout = .seconds(10)
        configuration.connectionWait = .seconds(2)
        let loop = EmbeddedEventLoop()
        let context = RedisContext(
            configuration: configuration, loop: loop, tls: nil, outbox: Outbox(maxCommands: 9, maxBytes: 999), status: RedisStatus(),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), onEvent: { _ in })
        var givenUp: [Int] = []
        let waiting = WaitingCommands(context) { givenUp += $0.map(\.cost) }
        func append(_ number: Int, retries: Int = 0) {
            var command = Self.command(deadline: loop.now + .seconds(10))
            command.cost = number
            command.retries = retries
            waiting.append(command)
        }
        // One that was sent already waits until its end, the others for a connection.
        append(1, retries: 1)
        append(2)
        loop.advanceTime(by: .seconds(1))
        append(3)
        loop.advanceTime(by: .milliseconds(999))
        #expect(givenUp == [])
        loop.advanceTime(by: .milliseconds(1))
        #expect(givenUp == [2])
        loop.advanceTime(by: .seconds(1))
        #expect(givenUp == [2, 3])
        append(4)
        #expect(waiting.takeFresh().map(\.cost) == [4])
        loop.advanceTime(by: .milliseconds(6_999))
        #expect(givenUp == [2, 3])
        loop.advanceTime(by: .milliseconds(1))
        #expect(givenUp == [2, 3, 1])
        append(5)
        #expect(waiting.takeAll().map(\.cost) == [5])
        loop.advanceTime(by: .seconds(60))
        #expect(givenUp == [2, 3, 1])
    }

    @Test("The outbox takes as many commands and bytes as may wait, and more when some are answered")
    func outbox() {
        let outbox = Outbox(maxCommands: 2, maxBytes: 30)
        func submit(_ word: String) -> String {
            var command = Self.command(deadline: .now())
            command.command.words = [.text(word)]
            switch outbox.submit(command) {
            case .refused(let error): return "\(error.code)"
            case .accepted(let wakes): return wakes ? "wakes" : "accepted"
            }
        }
        #expect(submit("A") == "wakes")
        #expect(submit(String(repeating: "x", count: 30)) == "tooManyCommands")
        #expect(submit("B") == "accepted")
        #expect(submit("C") == "tooManyCommands")
        let batch = outbox.take()
        #expect(batch.commands.count == 2)
        #expect(String(buffer: batch.bytes) == "*1\r\n$1\r\nA\r\n*1\r\n$1\r\nB\r\n")
        #expect(submit("C") == "tooManyCommands")
        for command in batch.commands { outbox.finish(command, .success(.null)) }
        #expect(submit("C") == "wakes")
        outbox.refuse(RedisError(.notConnected, "away"))
        #expect(submit("D") == "notConnected")
        outbox.refuse(nil)
        #expect(submit("D") == "accepted")
        outbox.close()
        outbox.refuse(nil)
        #expect(submit("E") == "closed")
    }

    @Test("Commands that are submitted together are in one batch, and each counts by itself")
    func outboxOfLists() {
        let outbox = Outbox(maxCommands: 3, maxBytes: 1_000)
        func submit(_ words: String...) -> [String] {
            let commands = words.map { word in
                var command = Self.command(deadline: .now())
                command.command.words = [.text(word)]
                return command
            }
            let (refused, wakes) = outbox.submit(commands)
            return refused.map { "\($0.error.code) of \($0.index)" } + (wakes ? ["wakes"] : [])
        }
        #expect(submit("A", "B") == ["wakes"])
        #expect(submit("C", "D", "E") == ["tooManyCommands of 1", "tooManyCommands of 2"])
        #expect(submit("F") == ["tooManyCommands of 0"])
        let batch = outbox.take()
        #expect(String(buffer: batch.bytes) == "*1\r\n$1\r\nA\r\n*1\r\n$1\r\nB\r\n*1\r\n$1\r\nC\r\n")
        #expect(batch.commands.count == 3)
    }
}
