import Logging
import MirrorCore
import MirrorState
import StateRedis

/// Says once, as soon as Redis can be asked, what about it is not as it should be. Returns when that is said, or the task is cancelled.
func reportOnRedis(_ redis: RedisStateStore, logger: Logger) async {
    let clock = SystemClock()
    var isToldOf = false
    while !Task.isCancelled {
        do {
            let report = try await redis.serverReport()
            logger.notice("state is in Redis", metadata: ["version": "\(report.version)"])
            for finding in report.findings { logger.warning("redis: \(finding)") }
            break
        } catch {
            if !isToldOf {
                logger.warning(
                    "Redis cannot be reached; requests go to the origin until it can", metadata: ["error": "\(error.message)"])
            }
            isToldOf = true
            try? await clock.sleep(for: .seconds(1))
        }
    }
    // A part of the process that ends would end the process.
    while !Task.isCancelled { try? await clock.sleep(for: .seconds(3_600)) }
}
