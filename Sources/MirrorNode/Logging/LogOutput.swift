import Logging
import MirrorSystem
import Synchronization

/// The log of the process: the lines of every logger, in one format, on standard error.
package final class LogOutput: Sendable {
    package let writer: LogWriter
    let isJSON: Bool
    private let level: Atomic<Int>
    private static let levels = Logger.Level.allCases

    init(_ log: Configuration.Log, descriptor: CInt = StandardStream.error.rawValue) {
        let isJSON =
            switch log.format {
            case .auto: !StandardStream.isTerminal(descriptor)
            case .json: true
            case .text: false
            }
        self.isJSON = isJSON
        level = Atomic(Self.levels.firstIndex(of: log.level) ?? 0)
        writer = LogWriter(descriptor: descriptor) { count in
            LogLine(
                level: .warning, logger: "cloud-mirror", message: "log lines were dropped because they were not read in time",
                metadata: ["lines": .stringConvertible(count)]
            ).written(asJSON: isJSON)
        }
    }

    /// Makes every logger of the process write here. Call it once, before anything logs.
    package static func bootstrap(_ log: Configuration.Log) -> LogOutput {
        let output = LogOutput(log)
        LoggingSystem.bootstrap { label in LineLogHandler(label: label, output: output) }
        return output
    }

    /// The lowest level that is written, for every logger without a level of its own.
    var logLevel: Logger.Level {
        get { Self.levels[level.load(ordering: .relaxed)] }
        set { level.store(Self.levels.firstIndex(of: newValue) ?? 0, ordering: .relaxed) }
    }

    func write(_ line: LogLine) {
        writer.write(line.written(asJSON: isJSON))
    }

    /// Reports why the process cannot run or has failed: one line, in the format of the log.
    package func report(failure error: any Error) {
        let reason = String(describing: error).split(whereSeparator: \.isNewline).joined(separator: " ")
        guard isJSON else { return writer.write("cloud-mirror: cannot run: \(reason)\n") }
        write(LogLine(level: .critical, logger: "cloud-mirror", message: "cannot run", metadata: ["error": "\(reason)"]))
    }
}

/// Passes a logger's messages to the ``LogOutput``.
struct LineLogHandler: LogHandler {
    let label: String
    let output: LogOutput
    var metadata: Logger.Metadata = [:]
    var ownLevel: Logger.Level?

    var logLevel: Logger.Level {
        get { ownLevel ?? output.logLevel }
        set { ownLevel = newValue }
    }

    subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var all = event.metadata.map { metadata.merging($0) { _, new in new } } ?? metadata
        if let error = event.error, all["error"] == nil { all["error"] = "\(error)" }
        output.write(LogLine(level: event.level, logger: label, message: event.message.description, metadata: all))
    }
}
