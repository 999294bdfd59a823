#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
import Logging
import MirrorCore
import Synchronization

/// Where log lines go: standard error, one `write` a line, so that lines of several threads do not mix.
package enum LogOutput {
    /// Makes every logger of the process write in the configured form. To be called once, before anything logs.
    package static func bootstrap(_ log: Configuration.Log) {
        let isJSON =
            switch log.format {
            case .auto: isatty(STDERR_FILENO) == 0
            case .json: true
            case .text: false
            }
        let level = log.level
        LoggingSystem.bootstrap { label in LineLogHandler(label: label, logLevel: level, isJSON: isJSON) }
    }

    static func write(_ line: String) {
        var line = line
        line.append("\n")
        line.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while rest.count > 0 {
                guard let base = rest.baseAddress else { return }
                let written = Glibc.write(STDERR_FILENO, base, rest.count)
                // Nobody is there to read: a log line is not worth failing for.
                guard written > 0 else { return }
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
            }
        }
    }
}

/// Writes `time level message key=value …`, or the same as one JSON object.
struct LineLogHandler: LogHandler {
    let label: String
    var logLevel: Logger.Level
    let isJSON: Bool
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = event.metadata.map { metadata.merging($0) { _, new in new } } ?? metadata
        let time = SystemClock().now.iso8601
        LogOutput.write(isJSON ? json(time, event, all) : text(time, event, all))
    }

    private func text(_ time: String, _ event: LogEvent, _ metadata: Logger.Metadata) -> String {
        var line = "\(time) \(event.level.rawValue) \(event.message)"
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) { line += " \(key)=\(Self.quoted("\(value)"))" }
        return line
    }

    private func json(_ time: String, _ event: LogEvent, _ metadata: Logger.Metadata) -> String {
        var fields = [("time", time), ("level", event.level.rawValue), ("logger", label), ("message", "\(event.message)")]
        let taken = Set(fields.map(\.0))
        fields += metadata.sorted { $0.key < $1.key }.map { (taken.contains($0.key) ? "metadata.\($0.key)" : $0.key, "\($0.value)") }
        return "{" + fields.map { "\(Self.escaped($0.0)):\(Self.escaped($0.1))" }.joined(separator: ",") + "}"
    }

    private static func quoted(_ value: String) -> String {
        let isPlain =
            !value.isEmpty && value.utf8.allSatisfy { $0 > 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=") && $0 != 0x7F }
        return isPlain ? value : escaped(value)
    }

    /// A JSON string; control characters cannot forge a second line.
    private static func escaped(_ value: String) -> String {
        var out = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F: out += "\\u00" + Hex.encode([UInt8(scalar.value)])
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}
