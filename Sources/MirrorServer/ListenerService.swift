import MirrorCore
package import MirrorSystem
import NIOCore
import ServiceLifecycle

/// Why a listener could not be opened.
package struct ListenError: Error, CustomStringConvertible {
    package let listener: MirrorServer.Listener
    /// `127.0.0.1:8080`
    package let address: String
    /// For people.
    package let reason: String

    package var description: String { "cannot listen on \(address): \(reason)" }

    package static let unknownHost = "the host is not known"

    /// Words for an error number of `bind` or `listen`.
    package static func words(_ error: Errno) -> String {
        switch error {
        case .addressInUse: "the address is in use by another process"
        case .addressNotAvailable: "this machine has no such address"
        case .permissionDenied, .notPermitted: "this account may not listen there; ports below 1024 need a privilege"
        default: error.phrase
        }
    }
}

/// A listener. If it cannot be opened, the error says at which address.
struct ListenerService: Service, CustomStringConvertible {
    let application: any Service
    let connections: ConnectionTasks
    let listener: MirrorServer.Listener
    let address: ListenAddress

    /// For the log of the services, which would otherwise show everything reachable from here.
    var description: String { "\(listener) listener" }

    func run() async throws {
        do {
            try await withTaskCancellationHandler {
                do {
                    try await accept()
                } catch {
                    connections.cancel()
                    await connections.drain()
                    throw error
                }
                await connections.drain()
            } onCancel: {
                connections.cancel()
            }
        } catch let error as IOError {
            throw ListenError(listener: listener, address: address.description, reason: ListenError.words(Errno(code: error.errnoCode)))
        } catch is SocketAddressError.UnknownHost {
            throw ListenError(listener: listener, address: address.description, reason: ListenError.unknownHost)
        }
    }

    /// With a higher priority than the tasks that serve requests: a new client's answer may already be in memory.
    private func accept() async throws {
        // A task in a group would run with the priority of the task that it belongs to.
        let task = Task(priority: .high) { try await application.run() }
        try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
    }
}
