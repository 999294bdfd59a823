import Logging
import MirrorCore
import NIOPosix

@testable import MirrorNet

func makeClient(
    _ policy: EgressPolicy, _ resolver: any HostResolver, _ configuration: OutboundConfiguration = OutboundConfiguration()
) -> GuardedClient {
    GuardedClient(
        policy: policy, configuration: configuration, resolver: resolver, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
        logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
}

/// Runs `body` with a client and shuts the client down.
func withClient<Result>(
    _ policy: EgressPolicy, _ resolver: any HostResolver, _ configuration: OutboundConfiguration = OutboundConfiguration(),
    isolation: isolated (any Actor)? = #isolation, _ body: (GuardedClient) async throws -> Result
) async throws -> Result {
    let client = makeClient(policy, resolver, configuration)
    return try await ending {
        try await body(client)
    } with: {
        await client.shutdown()
    }
}
