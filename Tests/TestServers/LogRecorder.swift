package import Logging
import Synchronization

/// Remembers what is logged, as text, and lets a test wait for it.
package final class LogRecorder: Sendable {
    private let level: Logger.Level
    private let past = Mutex<[String]>([])
    private let stream: AsyncStream<String>
    private let told: AsyncStream<String>.Continuation

    /// - Parameter level: What is less severe is not remembered.
    package init(_ level: Logger.Level = .warning) {
        self.level = level
        (stream, told) = AsyncStream.makeStream()
    }

    /// Each as its level, its message and its metadata, in their order.
    package var all: [String] { past.withLock { $0 } }

    package var logger: Logger { Logger(label: "test") { _ in Handler(recorder: self, logLevel: level) } }

    /// The next line that is not waited for yet.
    package func next() async -> String {
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
        var logLevel: Logger.Level

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            recorder.record("\(event.level) \(event.message) \(event.metadata ?? [:])")
        }
    }
}
