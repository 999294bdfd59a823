import Logging

/// Drops the line with which Hummingbird says that it listens: this server logs that itself, with the listener's name.
struct ListenerLogHandler: LogHandler {
    private var base: any LogHandler

    static func around(_ logger: Logger) -> Logger {
        Logger(label: logger.label, factory: { _ in ListenerLogHandler(base: logger.handler) })
    }

    func log(event: LogEvent) {
        guard event.level > .info || !"\(event.message)".hasPrefix("Server started and listening") else { return }
        base.log(event: event)
    }

    var logLevel: Logger.Level {
        get { base.logLevel }
        set { base.logLevel = newValue }
    }

    var metadata: Logger.Metadata {
        get { base.metadata }
        set { base.metadata = newValue }
    }

    subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { base[metadataKey: key] }
        set { base[metadataKey: key] = newValue }
    }
}
