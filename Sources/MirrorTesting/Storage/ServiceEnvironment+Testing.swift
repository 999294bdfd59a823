import Logging
import MirrorCore
public import MirrorStorage
import NIOPosix

extension ServiceEnvironment {
    /// The environment for a service in a test: the process's own event loops, the system's clock, and a log that is discarded.
    ///
    /// - Parameter operations: Concurrent requests to one server.
    public static func testing(operations: Int = 64) -> ServiceEnvironment {
        ServiceEnvironment(
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, clock: SystemClock(),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), operations: operations)
    }
}
