import MirrorCore
import MirrorSystem

/// What the process says to whoever started it.
struct Announcement: Sendable {
    let configuration: Configuration
    let log: LogWriter
    let manager: ServiceManager?

    /// Says where the process listens, and not its `publicURL`: whoever let the system choose the port learns it only here.
    ///
    /// - Parameter localToken: The file with the token; the token itself is never written where others collect it.
    func listening(at address: ListenAddress, localToken: String?) {
        let url = "\(configuration.tls == nil ? "http" : "https")://\(address)"
        if configuration.isZeroConfiguration, let example = configuration.pools.first?.id { greet(url, example, localToken) }
        manager?.notify(.ready)
        guard configuration.printsReady else { return }
        // Last: whoever waits for it finds everything said.
        log.flush(within: .seconds(1))
        StandardStream.output.write("ready \(url)\n")
    }

    private func greet(_ url: String, _ example: PoolID, _ localToken: String?) {
        log.write(
            """

            cloud-mirror serves at \(url). To download any public HTTPS file through it:

                curl -fL '\(url)/v1/redirect/\(example)/https%3A%2F%2F<host>%2F<path>' -o NAME

            The page \(url)/ and the command `cloud-mirror url` make such addresses.


            """)
        guard let localToken else { return }
        log.write(
            """
            Admin calls (`cloud-mirror stats`, `purge`, …) need a token. Commands that this account runs find it in

                \(localToken)


            """)
    }
}
