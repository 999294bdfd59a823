/// Why a command has no proper answer.
package struct RedisError: Error, Sendable, Hashable, CustomStringConvertible {
    package var code: Code
    /// For people; contains no password.
    package var message: String

    package enum Code: Sendable, Hashable {
        /// There is no connection, or it does not answer. The command was not sent.
        case notConnected
        /// There was no answer in time: the command may have been carried out.
        case timedOut
        /// The connection broke after the command was sent: it may have been carried out.
        case connectionLost
        /// The maximum number of commands is waiting already. The command was not sent.
        case tooManyCommands
        /// The client was closed. The command was not sent.
        case closed
        /// The server refused the command; with the first word of its answer (`ERR`, `OOM`, `READONLY`, `WRONGTYPE`, …).
        case server(String)
        /// What arrived is not RESP, or is larger than allowed.
        case malformed
    }

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }

    static let closed = RedisError(.closed, "the Redis client was closed")
}
