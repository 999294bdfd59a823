import NIOCore
import Testing

@testable import MirrorServer

@Suite(.timeLimit(.minutes(1)))
struct ConnectionProgressTests {
    private let limit = TimeAmount.seconds(10)
    private let start = NIODeadline.now()

    private func owing(_ acknowledged: UInt64) -> ClientProgress {
        ClientProgress(acknowledged: acknowledged, sinceLastAcknowledgement: .zero, isOwing: true)
    }

    @Test func `what the kernel takes of an answer is no progress of the client`() {
        let connection = ConnectionProgress()
        connection.requestBegan(.length(0))
        connection.observe(owing(100), isFull: false, at: start)
        connection.bodyProgressed()
        connection.observe(owing(100), isFull: true, at: start + .seconds(5))
        #expect(connection.endOfPatience(limit) == start + .seconds(10))
        // What it acknowledges is, if it is more than a trickle.
        connection.observe(owing(99 + ConnectionProgress.leastProgress), isFull: true, at: start + .seconds(8))
        #expect(connection.endOfPatience(limit) == start + .seconds(10))
        connection.observe(owing(100 + ConnectionProgress.leastProgress), isFull: true, at: start + .seconds(9))
        #expect(connection.endOfPatience(limit) == start + .seconds(19))
        connection.observe(owing(101 + ConnectionProgress.leastProgress), isFull: true, at: start + .seconds(18))
        #expect(connection.endOfPatience(limit) == start + .seconds(19))
    }

    @Test func `a client that has taken all there was begins anew with what comes next, however little it was`() {
        let connection = ConnectionProgress()
        connection.waitBegan()
        connection.observe(owing(100), isFull: false, at: start)
        connection.observe(
            ClientProgress(acknowledged: 101, sinceLastAcknowledgement: .zero, isOwing: false), isFull: false, at: start + .seconds(5))
        #expect(connection.endOfPatience(limit) == nil)
        connection.observe(owing(101), isFull: false, at: start + .seconds(8))
        #expect(connection.endOfPatience(limit) == start + .seconds(18))
    }

    @Test func `where the kernel says nothing of the client, what it takes is all there is`() {
        let connection = ConnectionProgress()
        connection.requestBegan(.length(0))
        connection.observe(nil, isFull: true, at: start)
        #expect(connection.endOfPatience(limit) == start + .seconds(10))
        connection.bodyProgressed()
        connection.observe(nil, isFull: true, at: start + .seconds(5))
        #expect(connection.endOfPatience(limit) == start + .seconds(15))
    }

    @Test func `while a client waits for an answer, and has taken what it was sent, no time runs`() {
        let connection = ConnectionProgress()
        connection.waitBegan()
        connection.observe(ClientProgress(acknowledged: 1, sinceLastAcknowledgement: .zero, isOwing: false), isFull: false, at: start)
        #expect(connection.endOfPatience(limit) == nil)
        // It does for one that waits and takes nothing of the answers before.
        connection.observe(owing(1), isFull: false, at: start + .seconds(20))
        #expect(connection.endOfPatience(limit) == start + .seconds(30))
    }
}
