import MirrorServer

/// Why the service cannot start, and what to do about it.
package struct StartError: Error, Sendable, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }

    init(_ error: ListenError, _ role: ProcessRole) {
        let remedy =
            switch (error.listener, role) {
            case (.main, .frontEnd): "--listen, or `listen` in the configuration"
            case (.main, .copier): "--listen"
            case (.admin, _): "`admin.listen` in the configuration"
            }
        self.init("\(error); stop what listens there, or choose another address: \(remedy)")
    }
}
