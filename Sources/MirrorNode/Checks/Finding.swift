package import MirrorStorage

/// Something of this machine that a configuration needs, and what is wrong with it.
package struct Finding: Sendable, Equatable {
    package enum Severity: Sendable, Equatable {
        /// Works, perhaps not as it is meant.
        case warning
        /// Something does not work, but the service runs and sends its clients to the origins.
        case error
        /// The service does not start.
        case fatal
    }

    package let severity: Severity
    /// The key of the configuration that it is about: `pools.local/dev.directory`.
    package let key: String
    /// What is wrong, and what to do.
    package let text: String

    init(_ severity: Severity, _ key: String, _ text: String) {
        (self.severity, self.key, self.text) = (severity, key, text)
    }

    /// For a list of what was looked at.
    package var line: SetupLine { SetupLine(severity == .warning ? .warning : .error, "\(key): \(text)") }
}
