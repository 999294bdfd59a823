import MirrorCore
import MirrorSystem

/// What the process reports to whatever started it.
struct Announcement: Sendable {
    let configuration: Configuration
    let log: LogWriter
    let manager: ServiceManager?

    /// Reports where the process listens, not its `publicURL`: if the system chose the port, it is reported only here.
    ///
    /// - Parameter localToken: The token's file. The token itself is never written to output that may be collected.
    func listening(at address: ListenAddress, localToken: String?) {
        let url = "\(configuration.tls == nil ? "http" : "https")://\(address)"
        if configuration.isZeroConfiguration, let example = configuration.pools.first?.id { greet(url, example, localToken) }
        manager?.notify(.ready)
        guard configuration.printsReady else { return }
        // Last, so that a caller that waits for this line finds everything else already written.
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
