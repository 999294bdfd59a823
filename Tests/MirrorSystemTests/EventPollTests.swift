#if os(Linux)
    import CLibrary
    import Testing

    @testable import MirrorSystem

    @Suite(.timeLimit(.minutes(1)))
    struct EventPollTests {
        /// The two ends of a connection, both non-blocking.
        private func connection() throws -> (ConnectedSocket, ConnectedSocket) {
            var ends: [CInt] = [-1, -1]
            try #require(socketpair(AF_UNIX, streamSocket, 0, &ends) == 0)
            for end in ends { try #require(fcntl(end, F_SETFL, O_NONBLOCK) == 0) }
            return (ConnectedSocket(descriptor: ends[0]), ConnectedSocket(descriptor: ends[1]))
        }

        private func events(_ poll: EventPoll, milliseconds: CInt = 30_000) -> [CInt: EventPoll.Events] {
            var (list, found) = (EventPoll.List(), [CInt: EventPoll.Events]())
            poll.wait(for: &list, milliseconds: milliseconds)
            list.forEach { found[$0] = $1 }
            return found
        }

        @Test func `a socket is reported when it can be read, written, or has ended`() throws {
            let poll = try EventPoll()
            let (first, second) = try connection()
            try #require(poll.add(first.descriptor, .read))
            #expect(events(poll, milliseconds: 0).isEmpty)
            #expect(try [UInt8]([1, 2, 3]).withUnsafeBytes { try second.send($0) } == 3)
            #expect(events(poll) == [first.descriptor: .read])
            var buffer = [UInt8](repeating: 0, count: 10)
            #expect(try buffer.withUnsafeMutableBytes { try first.receive($0) } == 3)
            #expect(throws: Errno.wouldBlock) { try buffer.withUnsafeMutableBytes { try first.receive($0) } }
            poll.change(first.descriptor, to: .write)
            #expect(events(poll) == [first.descriptor: .write])
            poll.change(first.descriptor, to: .read)
            second.endOutput()
            #expect(events(poll)[first.descriptor]?.contains(.read) == true)
            #expect(try buffer.withUnsafeMutableBytes { try first.receive($0) } == 0)
            poll.remove(first.descriptor)
            #expect(events(poll, milliseconds: 0).isEmpty)
            second.close()
            // Without a signal.
            #expect(throws: Errno.self) { try [1].withUnsafeBytes { try first.send($0) } }
            first.close(dropping: true)
        }

        @Test func `a poll that is woken returns, once, even if it was not waiting yet`() throws {
            let poll = try EventPoll()
            poll.wake()
            poll.wake()
            #expect(events(poll).count == 1)
            #expect(events(poll, milliseconds: 0).isEmpty)
        }

        @Test func `a connection that is not TCP has no information, and no address`() throws {
            let (first, second) = try connection()
            #expect(first.information() == nil)
            for socket in [first, second] { socket.close() }
        }
    }
#endif
