import MirrorCore
import MirrorEngine
import MirrorServer
import MirrorSystem
import Synchronization

/// The file, or the standard output, of `log.redirects`: one JSON object for each request, written by a ``LogWriter``, so that nobody waits for the disk.
final class RedirectLogFile: Sendable {
    /// Bytes that wait to be written: what a second of the busiest mirror has.
    private static let capacity = 16 << 20

    private let log: RedirectLog
    private let isUsed: Bool
    private let metrics: HousekeepingMetrics
    private let writer = Mutex<LogWriter?>(nil)
    /// The one for standard output, which is not opened anew: lines of two writers could get mixed.
    private let standardOutput = Mutex<LogWriter?>(nil)

    /// - Parameter isUsed: Whether this process answers requests for artifacts; else nothing is opened.
    init(of log: RedirectLog, isUsed: Bool, metrics: HousekeepingMetrics) {
        self.log = log
        self.isUsed = isUsed
        self.metrics = metrics
    }

    /// Opens the file, and creates it where there is none. Blocks.
    ///
    /// - Parameter place: `nil` for no log.
    func open(_ place: Configuration.Log.Place?) throws(StartError) -> LogWriter? {
        guard isUsed, let place else { return nil }
        return switch place {
        case .file(let path): try open(path)
        case .standardOutput:
            standardOutput.withLock { known in
                let writer =
                    known
                    ?? counted(LogWriter(descriptor: StandardStream.output.rawValue, capacity: Self.capacity, notice: Self.notice(of:)))
                known = writer
                return writer
            }
        }
    }

    private func open(_ path: String) throws(StartError) -> LogWriter {
        let number: CInt
        do throws(Errno) {
            // Not to wait for the reader of a pipe.
            let file = try Descriptor(path, for: .writing, [.create, .append, .nonBlocking, .noControllingTerminal], mode: 0o640)
            number = try file.duplicate()
        } catch {
            throw StartError("log.redirects: \(path): \(error)")
        }
        let file = Descriptor(owning: number)
        return counted(
            LogWriter(descriptor: number, capacity: Self.capacity) { count in
                // The writer keeps this, and with it the file: it is closed when the last line is written, and not before.
                withExtendedLifetime(file) { Self.notice(of: count) }
            })
    }

    private func counted(_ writer: LogWriter) -> LogWriter {
        let metrics = metrics
        writer.countDrops { metrics.countDroppedLogLines($0) }
        return writer
    }

    @Sendable private static func notice(of lines: Int) -> String {
        let time = SystemClock().now.iso8601
        return "{\"time\":\"\(time)\",\"outcome\":\"dropped\",\"lines\":\(lines)}\n"
    }

    /// Writes to this from now on. What waits to be written to the file before still gets there.
    func begin(_ writer: LogWriter?) {
        self.writer.withLock { $0 = writer }
        guard let writer else { return log.open(nil) }
        log.open { entry in
            // One at a time: thousands may have waited for the same answer, and lines that there is no room for are counted.
            let line = Self.line(of: entry)
            for _ in 0..<entry.requests { writer.write(line) }
        }
    }

    /// Returns once everything is written, or when the time is over.
    func flush(within limit: Duration) {
        writer.withLock { $0 }?.flush(within: limit)
    }

    private static func line(of entry: RedirectLog.Entry) -> String {
        let bytes = entry.bytes.map { ",\"bytes\":\($0)" } ?? ""
        let time = "{\"time\":\"\(entry.time.iso8601)\""
        let rest =
            ",\"artifact\":\(LogText.quoted(entry.artifact)),\"pool\":\(LogText.quoted("\(entry.pool)"))\(bytes)"
            + ",\"outcome\":\"\(entry.outcome.rawValue)\",\"seconds\":"
        var lines = ""
        for request in entry.requests {
            let client = request.client?.neighborhood.map { ",\"client\":\"\($0)\"" } ?? ""
            lines += "\(time)\(client)\(rest)\(Double(request.duration.wholeMilliseconds) / 1_000)}\n"
        }
        return lines
    }
}
