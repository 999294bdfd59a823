import MirrorCore
import MirrorState
import Testing

@Suite("The change broadcaster", .timeLimit(.minutes(5)))
struct ChangeBroadcasterTests {
    private func change(_ number: Int) throws -> ReplicaChange { .replica(try Sample.id(number), nil) }

    @Test("hands every change to every open stream, in order")
    func fansOut() async throws {
        let broadcaster = ChangeBroadcaster()
        let streams = [broadcaster.stream(), broadcaster.stream()]
        let changes = try (0..<100).map(change)
        broadcaster.publish(Array(changes[..<50]))
        for change in changes[50...] { broadcaster.publish([change]) }
        broadcaster.finish()
        for stream in streams {
            #expect(await stream.reduce(into: []) { $0.append($1) } == changes)
        }
    }

    @Test("leaves out what is of no interest to a stream, and nothing that concerns everybody")
    func selects() async throws {
        let broadcaster = ChangeBroadcaster()
        let (all, jobs, results) = (broadcaster.stream(), broadcaster.stream(of: .jobs), broadcaster.stream(of: .results))
        let id = try Sample.id(1)
        let pending = ReplicaChange.replica(id, Replica(id: id, status: .pending))
        let present = ReplicaChange.replica(id, Replica(id: id, status: .present(Sample.object(id))))
        let others: [ReplicaChange] = [.stale(id), .staleName(id.artifact.nameHash, id.pool), .interrupted]
        let changes = [pending, present, .replica(id, Replica(id: id, status: .removing)), .replica(id, nil)] + others
        broadcaster.publish(changes)
        broadcaster.finish()
        #expect(await all.reduce(into: []) { $0.append($1) } == changes)
        #expect(await jobs.reduce(into: []) { $0.append($1) } == [pending] + others)
        #expect(await results.reduce(into: []) { $0.append($1) } == Array(changes.dropFirst()))
    }

    @Test("tells a stream that was not read of everything once, and goes on")
    func overflows() async throws {
        let broadcaster = ChangeBroadcaster(capacity: 4)
        let slow = broadcaster.stream()
        for number in 0..<7 { broadcaster.publish([try change(number)]) }
        broadcaster.finish()
        // The fifth change finds the buffer full: everything before it is replaced, it itself too.
        #expect(await slow.reduce(into: []) { $0.append($1) } == [.everything, try change(5), try change(6)])
    }

    @Test("goes on with single changes once the reader has caught up")
    func recovers() async throws {
        let broadcaster = ChangeBroadcaster(capacity: 2)
        var iterator = broadcaster.stream().makeAsyncIterator()
        for number in 0..<3 { broadcaster.publish([try change(number)]) }
        #expect(await iterator.next() == .everything)
        // Round and round, so that the buffer wraps.
        for number in 10..<30 {
            broadcaster.publish([try change(number)])
            #expect(await iterator.next() == (try change(number)))
        }
    }

    @Test("an overflow of one stream does not touch another")
    func isolatesStreams() async throws {
        let broadcaster = ChangeBroadcaster(capacity: 3)
        let slow = broadcaster.stream()
        var iterator = broadcaster.stream().makeAsyncIterator()
        for number in 0..<10 {
            broadcaster.publish([try change(number)])
            #expect(await iterator.next() == (try change(number)))
        }
        broadcaster.finish()
        #expect(await slow.first { $0 == .everything } != nil)
    }

    @Test("forgets a stream that was dropped")
    func forgetsDroppedStreams() async throws {
        let broadcaster = ChangeBroadcaster()
        var kept = broadcaster.stream().makeAsyncIterator()
        do {
            let dropped = broadcaster.stream()
            #expect(broadcaster.subscriberCount == 2)
            _ = dropped
        }
        #expect(broadcaster.subscriberCount == 1)
        broadcaster.publish([.everything])
        #expect(await kept.next() == .everything)
    }

    @Test("forgets a stream whose reader was cancelled while it waited")
    func forgetsCancelledStreams() async throws {
        let broadcaster = ChangeBroadcaster()
        let stream = broadcaster.stream()
        let (started, startedContinuation) = AsyncStream<Void>.makeStream()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await _ in stream { startedContinuation.yield() }
            }
            broadcaster.publish([.everything])
            var iterator = started.makeAsyncIterator()
            await iterator.next()
            group.cancelAll()
            await group.waitForAll()
        }
        #expect(broadcaster.subscriberCount == 0)
    }

    @Test("a stream opened after the end is ended")
    func endsLateStreams() async {
        let broadcaster = ChangeBroadcaster()
        broadcaster.finish()
        var iterator = broadcaster.stream().makeAsyncIterator()
        #expect(await iterator.next() == nil)
        #expect(broadcaster.subscriberCount == 0)
    }

    @Test("100 publishers and readers at the same time lose nothing")
    func survivesARace() async throws {
        let broadcaster = ChangeBroadcaster(capacity: 100_000)
        let streams = (0..<10).map { _ in broadcaster.stream() }
        let changes = try (0..<100).map(change)
        try await withThrowingTaskGroup(of: Int.self) { group in
            for stream in streams {
                group.addTask { await Set(stream.prefix(5_000).reduce(into: []) { $0.append($1) }).count }
            }
            await withTaskGroup(of: Void.self) { publishers in
                for change in changes {
                    publishers.addTask {
                        for _ in 0..<50 { broadcaster.publish([change]) }
                    }
                }
            }
            for try await different in group { #expect(different == 100) }
        }
    }
}
