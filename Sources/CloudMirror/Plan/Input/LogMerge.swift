/// Merges several logs by time. A log is opened when its first use is due, so that a year of hourly logs does not need as many open files.
final class LogMerge {
    /// A log that is not open yet.
    private struct Waiting {
        let path: String
        let firstTime: Int64
    }

    private let open: (String) throws -> any LogSource
    /// The last one is opened next.
    private var waiting: [Waiting] = []
    /// Open logs that have a use, as a heap ordered by its time.
    private var sources: [any LogSource] = []
    private var closed = LineCounts()
    private var closedBytes: Int64 = 0

    /// - Parameter open: Opens a log.
    init(_ paths: [String], _ open: @escaping (String) throws -> any LogSource) throws {
        self.open = open
        if paths.count == 1 {
            waiting = [Waiting(path: paths[0], firstTime: .min)]
        } else {
            for path in paths {
                let source = try open(path)
                if try source.next() { waiting.append(Waiting(path: path, firstTime: source.use.time)) } else { closed.add(source.lines) }
            }
            waiting.sort { $0.firstTime > $1.firstTime }
        }
    }

    var lines: LineCounts {
        var sum = closed
        for source in sources { sum.add(source.lines) }
        return sum
    }

    /// Bytes of all files that have been read.
    var position: Int64 { sources.reduce(closedBytes) { $0 + $1.position } }

    /// - Returns: The log that has the next use; `nil` at the end.
    func next() throws -> (any LogSource)? {
        if let current = sources.first {
            if try current.next() {
                siftDown()
            } else {
                closed.add(current.lines)
                closedBytes += current.position
                sources[0] = sources[sources.count - 1]
                sources.removeLast()
                siftDown()
            }
        }
        while let next = waiting.last, sources.first.map({ next.firstTime <= $0.use.time }) ?? true {
            waiting.removeLast()
            let source = try open(next.path)
            if try source.next() {
                sources.append(source)
                siftUp()
            } else {
                closed.add(source.lines)
            }
        }
        return sources.first
    }

    private func siftUp() {
        var child = sources.count - 1
        while child > 0, sources[child].use.time < sources[(child - 1) / 2].use.time {
            sources.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private func siftDown() {
        var parent = 0
        while 2 * parent + 1 < sources.count {
            var child = 2 * parent + 1
            if child + 1 < sources.count, sources[child + 1].use.time < sources[child].use.time { child += 1 }
            guard sources[child].use.time < sources[parent].use.time else { return }
            sources.swapAt(child, parent)
            parent = child
        }
    }
}
