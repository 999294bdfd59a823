package import MirrorStorage

/// A problem with something that the configuration needs from this machine.
package struct Finding: Sendable, Equatable {
    package enum Severity: Sendable, Equatable {
        /// It works, but perhaps not as intended.
        case warning
        /// Something does not work, but the service runs and sends its clients to the origins.
        case error
        /// The service does not start.
        case fatal
    }

    package let severity: Severity
    /// The configuration key that the finding is about: `pools.local/dev.directory`.
    package let key: String
    /// What is wrong, and what to do.
    package let text: String

    init(_ severity: Severity, _ key: String, _ text: String) {
        (self.severity, self.key, self.text) = (severity, key, text)
    }

    /// As a line for a list of checks.
    package var line: SetupLine { SetupLine(severity == .warning ? .warning : .error, "\(key): \(text)") }
}
