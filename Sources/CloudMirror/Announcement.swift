#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
import MirrorCore
import NIOCore

/// What the process says to whoever started it.
struct Announcement: Sendable {
    private let isReadyLineWanted: Bool
    private let isTLS: Bool
    private let example: PoolID?
    private let adminToken: String?
    private let log: LogWriter

    /// - Parameter adminToken: One that was made for this run; shown here, once, and nowhere else.
    init(_ configuration: Configuration, adminToken: String?, log: LogWriter) {
        self.log = log
        isReadyLineWanted = configuration.printsReady
        isTLS = configuration.tls != nil
        example = configuration.isZeroConfiguration ? configuration.pools.first?.id : nil
        self.adminToken = adminToken
    }

    /// Says where the process listens, and not its `publicURL`: whoever let the system choose the port learns it only here.
    func listening(at address: SocketAddress) {
        let host = address.ipAddress.map { $0.utf8.contains(UInt8(ascii: ":")) ? "[\($0)]" : $0 } ?? "localhost"
        let url = "\(isTLS ? "https" : "http")://\(host):\(address.port ?? 0)"
        if let example { greet(url, example) }
        guard isReadyLineWanted else { return }
        // Last: whoever waits for it finds everything said.
        log.flush(within: .seconds(1))
        writeToOutput("ready \(url)\n")
    }

    private func greet(_ url: String, _ example: PoolID) {
        log.write(
            """

            cloud-mirror serves at \(url). To download any public HTTPS file through it:

                curl -fL '\(url)/v1/redirect/\(example)/https%3A%2F%2F<host>%2F<path>' -o NAME

            The page \(url)/ and the command `cloud-mirror url` make such addresses.

            Admin calls from this machine need nothing; from elsewhere this token, shown only now:

                Authorization: Bearer \(adminToken ?? "")


            """)
    }

    private func writeToOutput(_ text: String) {
        var text = text
        text.withUTF8 { bytes in _ = write(STDOUT_FILENO, bytes.baseAddress, bytes.count) }
    }
}
