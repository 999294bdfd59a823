import Logging
import MirrorCore
import MirrorState
import NIOCore
import RedisClient
import StateRedis

/// Logs once what is wrong with Redis, as soon as it can be reached. Returns when that is logged and the task is cancelled.
///
/// - Parameter configuration: The one that the store was opened with.
func reportOnRedis(
    _ redis: RedisStateStore, _ configuration: RedisConfiguration, group: any EventLoopGroup, logger: Logger
) async {
    let clock = SystemClock()
    var isToldOf = false
    while !Task.isCancelled {
        do {
            let reports = try await redis.serverReports(configuration, group: group)
            logger.notice("state is in Redis", metadata: ["version": "\(reports.first?.version ?? "")"])
            for report in reports {
                for error in report.errors { logger.error("redis: \(report.named(error))") }
                for finding in report.findings { logger.warning("redis: \(report.named(finding))") }
            }
            break
        } catch {
            if !isToldOf {
                logger.warning(
                    "Redis cannot be reached; requests go to the origin until it can",
                    metadata: ["error": "\(error.messageWithRemedy)"])
            }
            isToldOf = true
            try? await clock.sleep(for: .seconds(1))
        }
    }
    // If one part of the process returned, the whole process would end.
    while !Task.isCancelled { try? await clock.sleep(for: .seconds(3_600)) }
}

extension RedisServerReport {
    /// Prefixes a finding with its server, if there are several.
    func named(_ finding: String) -> String {
        server.map { "\($0): \(finding)" } ?? finding
    }
}
