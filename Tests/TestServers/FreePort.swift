import NIOCore
import NIOPosix
import Synchronization

/// Ports for servers that are started again on the same one.
///
/// They are below those that the system gives to outgoing connections (`ip_local_port_range` begins with 32768), so that no connection of
/// a test takes the port of a server that is down for a while.
package enum FreePort {
    private static let given = Mutex<Set<Int>>([])

    /// One that nobody listens on and that was not given before.
    package static func next() async throws -> Int {
        for _ in 1...1_000 {
            let port = Int.random(in: 10_000..<32_000)
            guard given.withLock({ $0.insert(port).inserted }) else { continue }
            do {
                let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                    .bind(host: "127.0.0.1", port: port).get()
                try await channel.close().get()
                return port
            } catch is IOError {
                continue
            }
        }
        throw NoneIsFree()
    }

    package struct NoneIsFree: Error {}
}
