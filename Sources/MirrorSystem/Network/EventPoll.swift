import CLibrary
import CProcess

/// Waits for sockets that can be read or written (epoll(7)). Only Linux has it.
package final class EventPoll: Sendable {
    package struct Events: OptionSet, Sendable {
        package let rawValue: UInt32

        package init(rawValue: UInt32) {
            self.rawValue = rawValue
        }

        /// Errors and the end of a connection are reported as both.
        package static let read = Events(rawValue: UInt32(C_POLL_READ))
        package static let write = Events(rawValue: UInt32(C_POLL_WRITE))
    }

    /// Space for what is reported at a time.
    package struct List {
        fileprivate var events = [c_poll_event](repeating: c_poll_event(), count: 256)
        fileprivate var count = 0

        package init() {}

        /// For each socket with something to report.
        package func forEach(_ body: (_ descriptor: CInt, Events) -> Void) {
            for index in 0..<count { body(events[index].descriptor, Events(rawValue: events[index].events)) }
        }
    }

    private let poll: CInt
    private let waker: CInt

    /// - Throws: Where there is no epoll, or no descriptor left.
    package init() throws(Errno) {
        poll = c_poll_create()
        guard poll >= 0 else { throw .last }
        waker = c_poll_create_waker()
        guard waker >= 0, c_poll_set(poll, waker, Events.read.rawValue, true, false) == 0 else {
            let error = Errno.last
            close(poll)
            if waker >= 0 { close(waker) }
            throw error
        }
    }

    deinit {
        close(poll)
        close(waker)
    }

    /// Begins to report events of a socket.
    ///
    /// - Parameter isShared: Whether several polls wait for it: a new event then wakes only some of them.
    /// - Returns: Whether it is reported from now on.
    package func add(_ descriptor: CInt, _ events: Events, isShared: Bool = false) -> Bool {
        c_poll_set(poll, descriptor, events.rawValue, true, isShared) == 0
    }

    package func change(_ descriptor: CInt, to events: Events) { _ = c_poll_set(poll, descriptor, events.rawValue, false, false) }

    /// Stops reporting events of a socket.
    package func remove(_ descriptor: CInt) { _ = c_poll_set(poll, descriptor, 0, false, false) }

    /// Waits until there is something to report, until ``wake()``, or for as many milliseconds.
    package func wait(for events: inout List, milliseconds: CInt) {
        let count = events.events.withUnsafeMutableBufferPointer {
            c_poll_wait(poll, $0.baseAddress, CInt($0.count), milliseconds)
        }
        events.count = max(0, Int(count))
        for index in 0..<events.count where events.events[index].descriptor == waker { c_poll_calm(waker) }
    }

    /// Ends a wait, or the next one. For any thread.
    package func wake() { c_poll_wake(waker) }
}
