import Dispatch
import MirrorCore
import MirrorSystem
import Synchronization

/// Writes lines to a descriptor, and never blocks the code that logs.
///
/// Lines go into a bounded queue, in order, and a dedicated thread writes them. Lines that do not fit are dropped and counted, and one line in
/// their place says how many there were. Lines that cannot be written (nobody reads the pipe any more, the disk is full) are counted in the same way.
package final class LogWriter: Sendable {
    private struct Queue {
        /// Whole lines, each with its line end.
        var lines: [UInt8] = []
        /// Lines that came after `lines` and were dropped.
        var dropped = 0
        var isWriting = false
        var count: (@Sendable (Int) -> Void)?
        /// Dropped lines that have not been reported to `count` yet.
        var uncounted = 0
    }

    /// State that only the writing thread uses.
    private struct Output {
        /// Lines that could not be written and have not been reported yet.
        var lost = 0
        /// Whether an error cut off a line, so that the next one must start with a line end.
        var isInLine = false
    }

    private let descriptor: CInt
    private let capacity: Int
    private let notice: @Sendable (Int) -> String
    private let queue = Mutex(Queue())
    private let output = Mutex(Output())
    private let thread = DispatchQueue(label: "cloud-mirror.log")

    /// Up to this length, a line is written in one piece, not mixed with what other processes write to the same pipe (POSIX, `PIPE_BUF`).
    private static let atomicWrite = 4_096
    private static let lineEnd = UInt8(ascii: "\n")

    /// - Parameters:
    ///   - descriptor: May be shared with other processes, so its blocking mode is not changed.
    ///   - capacity: Bytes that may wait to be written; as many again can be in the batch that is being written.
    ///   - notice: Returns the line, with its line end, that says how many lines were dropped.
    init(descriptor: CInt, capacity: Int = 1 << 20, notice: @escaping @Sendable (Int) -> String) {
        self.descriptor = descriptor
        self.capacity = capacity
        self.notice = notice
    }

    /// - Parameter text: Whole lines, including the last line end.
    func write(_ text: String) {
        let isIdle = queue.withLock { queue in
            // After one dropped line all others are dropped until the next batch is taken. So there is one gap, and the notice fills it.
            if queue.dropped == 0, queue.lines.count + text.utf8.count <= capacity {
                queue.lines.append(contentsOf: text.utf8)
            } else {
                queue.dropped += 1
                Self.count(1, in: &queue)
            }
            defer { queue.isWriting = true }
            return !queue.isWriting
        }
        if isIdle { thread.async { self.drain() } }
    }

    /// Returns when everything that was logged so far is written, or when the time is up.
    package func flush(within limit: Duration) {
        let written = DispatchSemaphore(value: 0)
        thread.async { written.signal() }
        _ = written.wait(timeout: .now() + .milliseconds(Int(limit.wholeMilliseconds)))
    }

    /// - Parameter count: Called with the number of lines whenever some are dropped, and once now for those dropped earlier.
    func countDrops(_ count: @escaping @Sendable (Int) -> Void) {
        queue.withLock { queue in
            queue.count = count
            let uncounted = queue.uncounted
            queue.uncounted = 0
            if uncounted > 0 { count(uncounted) }
        }
    }

    private static func count(_ lines: Int, in queue: inout Queue) {
        if let count = queue.count { count(lines) } else { queue.uncounted += lines }
    }

    // MARK: The thread that writes

    private func drain() {
        while let (lines, dropped) = nextBatch() {
            output.withLock { output in
                for group in Self.groups(of: lines) { write(group[...], &output) }
                if dropped > 0 { write(Array(notice(dropped).utf8)[...], &output, standsFor: dropped) }
            }
        }
    }

    private func nextBatch() -> (lines: [UInt8], dropped: Int)? {
        queue.withLock { queue in
            guard !queue.lines.isEmpty || queue.dropped > 0 else {
                queue.isWriting = false
                return nil
            }
            defer { (queue.lines, queue.dropped) = ([], 0) }
            return (queue.lines, queue.dropped)
        }
    }

    /// Groups as many whole lines as can be written in one piece.
    private static func groups(of lines: [UInt8]) -> [ArraySlice<UInt8>] {
        var groups: [ArraySlice<UInt8>] = []
        var rest = lines[...]
        while !rest.isEmpty {
            let last = rest.prefix(atomicWrite).lastIndex(of: lineEnd) ?? rest.firstIndex(of: lineEnd) ?? rest.endIndex - 1
            groups.append(rest[...last])
            rest = rest[(last + 1)...]
        }
        return groups
    }

    /// - Parameter dropped: The number of lines that `text` reports if it is a notice; they have already been counted.
    private func write(_ text: ArraySlice<UInt8>, _ output: inout Output, standsFor dropped: Int = 0) {
        if output.lost > 0 {
            if put(Array(notice(output.lost).utf8)[...], &output) { output.lost = 0 }
        }
        guard output.lost == 0, put(text, &output) else {
            let lines = dropped > 0 ? 0 : text.count { $0 == Self.lineEnd }
            output.lost += dropped + lines
            queue.withLock { Self.count(lines, in: &$0) }
            return
        }
    }

    /// - Returns: Whether all of it was written.
    private func put(_ text: ArraySlice<UInt8>, _ output: inout Output) -> Bool {
        let text = output.isInLine ? ([Self.lineEnd] + text)[...] : text
        let (written, error) = text.withUnsafeBytes { writeAll($0, to: descriptor) }
        if written > 0 { output.isInLine = written < text.count || text.last != Self.lineEnd }
        return error == nil
    }
}
