import Testing

/// Somebody who asks a server and believes nothing that it answers.
protocol FuzzedClient: Sendable {
    /// Asks a server on 127.0.0.1 once, and reads what it answers to the end.
    ///
    /// - Throws: A ``Contradiction`` for what must not be; anything else is a refusal.
    func ask(port: Int, _ exchange: Exchange) async throws
}

/// A whole client, from its own interface down to the socket.
struct ClientTarget: Sendable, CustomTestStringConvertible {
    enum Server: Sendable {
        case plain
        /// What is made up is behind a handshake that is right.
        case overTLS
        /// The handshake and what is made up are right, and the records that they come in are not.
        case mangledTLS
        /// What is made up is the handshake.
        case rawTLS
    }

    let name: String
    let server: Server
    /// The folder in `Corpus`.
    let corpus: String
    let seeds: [[UInt8]]
    let words: [[UInt8]]
    /// Executions where nobody said how many.
    let usual: Int
    /// Makes a client for servers at these ports, and stops it again.
    let withClient: @Sendable (_ ports: [Int], _ body: (any FuzzedClient) async throws -> Void) async throws -> Void
    /// The same client without sockets, which tries many times as much; `nil` where there is none.
    var socketless: (@Sendable () throws -> SocketlessClient)?

    var testDescription: String { name }

    /// Whether answers are made up by ``AnswerMutator``, too.
    var takesAnswers: Bool { server != .rawTLS }

    /// Whether what is made up comes behind a handshake.
    var speaksTLS: Bool { server == .overTLS || server == .mangledTLS }

    static let answers = [
        "\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "k\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n",
        "h\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "hk\nHTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n",
        "3\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "\nHTTP/1.0 200 OK\r\n\r\nto the end",
        "k\nHTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n", "k9\nHTTP/1.1 204 No Content\r\n\r\n",
        "pk\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "sk\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ].map { Array($0.utf8) }

    static let answerWords = [
        "HTTP/1.1 ", "HTTP/1.0 ", "HTTP/1.1 007 OK\r\n", "HTTP/1.1 101 Switching Protocols\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "200",
        "099", "000",
        "\r\n", "\n", "\r\n\r\n", "0\r\n\r\n", "Content-Length: ", "Transfer-Encoding: chunked\r\n", "Connection: close\r\n",
        "Upgrade: h2c\r\n",
        "Location: /next\r\n", "Content-Encoding: gzip\r\n", "Trailer: X\r\n", ";ext=1", "ffffffffffffffff", ":", " ", "\t", "\0",
    ].map { Array($0.utf8) }
}
