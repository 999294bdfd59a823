import Logging
import MirrorCore
public import MirrorStorage
import NIOPosix

extension ServiceEnvironment {
    /// What a test makes a service with: the process's own event loops, the system's clock, and a log that nobody reads.
    ///
    /// - Parameter operations: Requests to one server at the same time.
    public static func testing(operations: Int = 64) -> ServiceEnvironment {
        ServiceEnvironment(
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, clock: SystemClock(),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), operations: operations)
    }
}
