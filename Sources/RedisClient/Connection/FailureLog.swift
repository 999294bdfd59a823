import Logging
import NIOCore

/// Logs one line when a connection is made and one when it is lost. A failed attempt is logged only if its reason is new, and not too often.
struct FailureLog {
    private let logger: Logger
    private let role: String
    private var lastReason: String?
    private var quietUntil = NIODeadline.uptimeNanoseconds(0)
    private static let leastPause = TimeAmount.seconds(5)

    init(_ logger: Logger, role: String) {
        self.logger = logger
        self.role = role
    }

    mutating func connected(to address: RedisConfiguration.Address, _ handshake: RedisHandshake) {
        lastReason = nil
        logger.info("connected to Redis", metadata: ["\(role)": "\(address)", "version": "\(handshake.serverVersion ?? "?")"])
    }

    mutating func lost(_ address: RedisConfiguration.Address, _ error: RedisError) {
        logger.warning("lost the connection to Redis", metadata: ["\(role)": "\(address)", "reason": "\(error.message)"])
        lastReason = error.message
    }

    mutating func failed(_ error: RedisError) {
        let now = NIODeadline.now()
        guard error.message != lastReason, lastReason == nil || now >= quietUntil else { return }
        lastReason = error.message
        quietUntil = now + Self.leastPause
        // An error if only an operator can fix it.
        let level: Logger.Level =
            switch error.code {
            case .server("WRONGPASS"), .server("NOAUTH"), .server("NOPERM"): .error
            default: .warning
            }
        logger.log(level: level, "cannot connect to Redis; trying again", metadata: ["role": "\(role)", "reason": "\(error.message)"])
    }
}
