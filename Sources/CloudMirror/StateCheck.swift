import Logging
import MirrorCore
import MirrorState
import NIOPosix
import StateRedis

/// Looks at where the state is kept, without serving from it.
package struct StateCheck: Sendable {
    /// What a look may take; a request has less time than that.
    private static let patience = Duration.seconds(3)

    private let configuration: Configuration

    package init(_ configuration: Configuration) {
        self.configuration = configuration
    }

    /// - Parameter report: Is told each line as soon as it is known.
    /// - Returns: Whether nothing is wrong; a warning is not.
    package func run(report: (PoolSetup.Line) -> Void) async -> Bool {
        switch configuration.state {
        case .sqlite(let path):
            report(.init(mark: "ok", text: "SQLite, in \(path): opened and repaired when the service starts"))
            return true
        case .redis(let redis):
            return await check(redis, report)
        }
    }

    private func check(_ redis: Configuration.Redis, _ report: (PoolSetup.Line) -> Void) async -> Bool {
        let store: RedisStateStore
        // So that what is told is why Redis cannot be reached, and not that this took long.
        var patient = redis
        patient.timeout = max(redis.timeout, Self.patience)
        do throws(StartError) {
            store = try RedisParts.openState(
                patient, configuration, group: MultiThreadedEventLoopGroup.singleton,
                logger: Logger(label: "cloud-mirror", factory: { _ in SwiftLogNoOpLogHandler() }))
        } catch {
            report(.init(mark: "error", text: error.description))
            return false
        }
        let isFine = await look(at: store, report)
        await store.close()
        return isFine
    }

    private func look(at store: RedisStateStore, _ report: (PoolSetup.Line) -> Void) async -> Bool {
        do {
            let found = try await store.serverReport()
            report(.init(mark: "ok", text: "Redis answers, version \(found.version)"))
            for finding in found.findings { report(.init(mark: "warning", text: finding)) }
            return true
        } catch {
            report(.init(mark: "error", text: error.message))
            return false
        }
    }
}
