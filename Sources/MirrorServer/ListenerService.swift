#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
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

    /// For an error number of `bind` or `listen`.
    package static func words(_ code: CInt) -> String {
        switch code {
        case EADDRINUSE: "the address is in use by another process"
        case EADDRNOTAVAIL: "this machine has no such address"
        case EACCES, EPERM: "this account may not listen there; ports below 1024 need a privilege"
        default: String(cString: strerror(code)).lowercased()
        }
    }
}

/// A listener whose failure to open says where it was to be opened.
struct ListenerService: Service, CustomStringConvertible {
    let application: any Service
    let listener: MirrorServer.Listener
    let address: ServerConfiguration.Address

    /// For the log of the services, which would otherwise show everything that is reachable from here.
    var description: String { "\(listener) listener" }

    func run() async throws {
        do {
            try await application.run()
        } catch let error as IOError {
            throw ListenError(listener: listener, address: place, reason: ListenError.words(error.errnoCode))
        } catch is SocketAddressError.UnknownHost {
            throw ListenError(listener: listener, address: place, reason: ListenError.unknownHost)
        }
    }

    private var place: String {
        address.host.utf8.contains(UInt8(ascii: ":")) ? "[\(address.host)]:\(address.port)" : "\(address.host):\(address.port)"
    }
}
