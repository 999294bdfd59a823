import Logging
import Synchronization

/// Remembers what is logged as warning or error.
final class LogRecorder: Sendable {
    private let past = Mutex<[String]>([])
    private let stream: AsyncStream<String>
    private let told: AsyncStream<String>.Continuation

    init() {
        (stream, told) = AsyncStream.makeStream()
    }

    var all: [String] { past.withLock { $0 } }

    var logger: Logger { Logger(label: "test") { _ in Handler(recorder: self) } }

    /// The next line that is not waited for yet.
    func next() async -> String {
        for await line in stream { return line }
        return "the end"
    }

    private func record(_ line: String) {
        past.withLock { $0.append(line) }
        told.yield(line)
    }

    private struct Handler: LogHandler {
        let recorder: LogRecorder
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level = .warning

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            recorder.record("\(event.level) \(event.message) \(event.metadata ?? [:])")
        }
    }
}
