package import Logging
package import MirrorCore
package import MirrorNet
import StorageCloud

/// What all who talk to the service have in common.
package struct GCSConnection: Sendable {
    let http: ServiceClient
    let clock: any MirrorClock
    /// How far the service's clock is ahead of ours.
    let clockOffset: ClockOffset
    let signatures: BlobSignatures
    let logger: Logger

    /// - Parameter http: Its idle timeout is how long the service may be silent.
    package init(http: ServiceClient, clock: any MirrorClock = SystemClock(), logger: Logger) {
        self.http = http
        self.clock = clock
        self.logger = logger
        clockOffset = ClockOffset()
        signatures = BlobSignatures(
            GoogleTokenService(transport: CredentialsTransport(client: http, clock: clock), clockOffset: clockOffset))
    }
}
