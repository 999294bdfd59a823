import MirrorCore
import NIOCore
import TestServers
import MirrorState
import Testing

@testable import MirrorServer

/// What a client may do with the body of a request. The limits are short here, and the tests wait for the end of the connection.
@Suite(.timeLimit(.minutes(5)))
struct BodyLimitTests {
    private static let impatient = MirrorOptions.with { $0.bodyTimeout = .milliseconds(300) }
    private static let token = "Authorization: Bearer \(MirrorFixture.token)\r\n"

    private static func head(_ line: String, _ fields: String) -> String { "\(line) HTTP/1.1\r\nHost: mirror.example\r\n\(fields)\r\n" }

    /// Heads of requests whose bodies are 1,000 bytes long.
    private static let unread = [
        "GET /healthz", "GET /", "HEAD /healthz", "POST /nowhere", "PUT /healthz", "DELETE /v1/purge/x", "POST /v1/warm", "GET /metrics",
        "GET \(World.target("/a.txt"))", "GET \(World.target("/new.txt"))",
    ]

    @Test(arguments: unread)
    func `a body that stops is not waited for, whoever wants it`(line: String) async throws {
        let world = World()
        try await world.seed("/a.txt")
        try await MirrorFixture.run(world, Self.impatient) { mirror async throws in
            for fields in ["Content-Length: 1000\r\n", "Transfer-Encoding: chunked\r\n"] {
                try await RawConnection.run(port: mirror.port) { connection async throws in
                    await connection.send(Self.head(line, fields) + (fields.hasPrefix("C") ? "x" : "1\r\nx\r\n"))
                    let response = try await connection.response(toHead: line.hasPrefix("HEAD"))
                    #expect(response.status != 500)
                    let end = try await connection.rest()
                    #expect(end.bytes.isEmpty)
                }
            }
        }
    }

    @Test(arguments: ["POST /v1/warm", "DELETE /v1/purge/x", "GET /healthz"])
    func `a body that drips has an end, also with a token`(line: String) async throws {
        try await MirrorFixture.run(World(), Self.impatient) { mirror async throws in
            try await RawConnection.run(port: mirror.port) { connection async throws in
                await connection.send(Self.head(line, "\(Self.token)Content-Length: 1000000\r\n"))
                let drip = Task {
                    while !Task.isCancelled {
                        await connection.send(" ")
                        try? await mirror.readWhatCame()
                    }
                }
                let response = try await connection.response()
                let end = try await connection.rest()
                drip.cancel()
                await drip.value
                #expect(end.bytes.isEmpty)
                guard line.hasPrefix("POST") else { return }
                #expect(response.status == 408)
                #expect(response["Connection"] == "close")
                #expect(response.json["code"]?.string == "RequestTimeout")
            }
        }
    }

    @Test func `a body that comes steadily is read to its end, though it takes longer`() async throws {
        try await MirrorFixture.run(World(), .with { $0.bodyTimeout = .seconds(5) }) { mirror async throws in
            try await RawConnection.run(port: mirror.port) { connection async throws in
                let body = #"{"urls":[]\#(String(repeating: " ", count: 200_000))}"#
                await connection.send(Self.head("POST /v1/warm", "\(Self.token)Content-Length: \(body.utf8.count)\r\n"))
                // Time for twelve seconds more; the pause is longer than the limit.
                await connection.send(String(body.prefix(199_000)))
                try await Task.sleep(for: .seconds(6))
                await connection.send(String(body.dropFirst(199_000)))
                #expect(try await connection.response().status == 202)
                // And the connection goes on.
                #expect(try await connection.get("/healthz").status == 200)
            }
        }
    }

    @Test(arguments: unread)
    func `a body that is too long is refused, whoever wants it`(line: String) async throws {
        try await MirrorFixture.run { mirror async throws in
            try await RawConnection.run(port: mirror.port) { connection async throws in
                await connection.send(Self.head(line, "Content-Length: 9000000000000000000\r\n") + "x")
                let response = try await connection.response(toHead: line.hasPrefix("HEAD"))
                #expect(response.status == 413)
                #expect(try await connection.rest().bytes.isEmpty)
            }
        }
    }

    @Test func `chunks without end are refused`() async throws {
        try await MirrorFixture.run { mirror async throws in
            try await RawConnection.run(port: mirror.port) { connection async throws in
                await connection.send(Self.head("POST /v1/warm", "\(Self.token)Transfer-Encoding: chunked\r\n"))
                let chunk = "10000\r\n\(String(repeating: " ", count: 65_536))\r\n"
                for _ in 0..<17 { await connection.send(chunk) }
                let response = try await connection.response()
                #expect(response.status == 413)
                #expect(response.json["code"]?.string == "RequestTooLarge")
                #expect(try await connection.rest().bytes.isEmpty)
            }
        }
    }

    @Test func `who waits for an earlier answer is not slow, and the answers keep their order`() async throws {
        let world = World()
        try await MirrorFixture.run(
            world,
            .with {
                $0.bodyTimeout = .milliseconds(300)
                $0.maxWait = .seconds(3_600)
            }
        ) { mirror async throws in
            try await RawConnection.run(port: mirror.port) { connection async throws in
                await connection.send(
                    Self.head("GET \(World.target("/a.txt"))", "") + Self.head("POST /v1/warm", "\(Self.token)Content-Length: 11\r\n") + "{"
                )
                await mirror.waiting(1)
                try await Task.sleep(for: .seconds(1))
                #expect(connection.unread == 0)
                try await world.finishCopy("/a.txt")
                #expect(try await connection.response().status == 302)
                // Its time begins now, and it does not use it.
                #expect(try await connection.response().status == 408)
                #expect(try await connection.rest().bytes.isEmpty)
            }
        }
    }

    // MARK: Bodies that are broken

    /// Fields, a body, and the status; 0 for any but an error of ours.
    private static let framings: [(String, String, Int)] = [
        ("Content-Length: 11\r\n", "{\"urls\":[]}", 202),
        ("Transfer-Encoding: chunked\r\n", "b\r\n{\"urls\":[]}\r\n0\r\n\r\n", 202),
        // Too short: what comes behind is another request, and none.
        ("Content-Length: 5\r\n", "{\"urls\":[]}", 400),
        ("Transfer-Encoding: chunked\r\n", "zz\r\n{\"urls\":[]}\r\n0\r\n\r\n", 400),
        ("Transfer-Encoding: chunked\r\n", "b\r\n{\"urls\":[]}garbage", 400),
        ("Transfer-Encoding: chunked\r\n", "ffffffffffffffffff\r\nx", 400),
        ("Transfer-Encoding: chunked\r\n", "-1\r\nx", 400),
        ("Transfer-Encoding: gzip, chunked\r\n", "b\r\n{\"urls\":[]}\r\n0\r\n\r\n", 0),
        ("Content-Length: 11\r\nContent-Length: 12\r\n", "{\"urls\":[]}", 400),
        ("Content-Length: 11\r\nTransfer-Encoding: chunked\r\n", "{\"urls\":[]}", 400),
        ("Content-Length: -1\r\n", "{\"urls\":[]}", 400),
        ("Content-Length: x\r\n", "{\"urls\":[]}", 400),
        ("Content-Length: 99999999999999999999999\r\n", "{\"urls\":[]}", 400),
    ]

    @Test(arguments: framings)
    func `a body that is not HTTP is a 400`(fields: String, body: String, status: Int) async throws {
        try await MirrorFixture.run { mirror async throws in
            try await RawConnection.run(port: mirror.port) { connection async throws in
                await connection.send(Self.head("POST /v1/warm", Self.token + fields) + body)
                let response = try await connection.response()
                #expect(status == 0 ? response.status < 500 : response.status == status, "\(response.status): \(fields)\(body)")
                await connection.finishSending()
                // Whatever else comes is no error of ours.
                let rest = try await connection.rest()
                #expect(!String(decoding: rest.bytes, as: UTF8.self).contains("HTTP/1.1 5"))
            }
        }
    }

    @Test(arguments: ["Content-Length: 1000\r\n", "Transfer-Encoding: chunked\r\n"])
    func `a body that is cut off by the client's end is a 400`(fields: String) async throws {
        try await MirrorFixture.run { mirror async throws in
            try await RawConnection.run(port: mirror.port) { connection async throws in
                await connection.send(Self.head("POST /v1/warm", Self.token + fields) + (fields.hasPrefix("C") ? "{" : "1\r\n{\r\n"))
                await connection.finishSending()
                #expect(try await connection.response().status == 400)
            }
        }
    }

    private static let ambiguous: [String] = [
        "\u{FEFF}{\"urls\":[]}", #"{"urls":[],"urls":["https://artifacts.example.org/a"]}"#,
        #"{"urls":[],"url\u0073":["https://artifacts.example.org/a"]}"#, #"{"urls":[],"x":{"y":1,"y":2}}"#, #"{"urls":[]} {"#,
        #"{"urls":[],}"#,
        #"{"urls":["https://artifacts.example.org/a",]}"#, #"{'urls':[]}"#, #"{urls:[]}"#, #"{"urls":[]/**/}"#, "{\"urls\":[\"a\nb\"]}",
        #"{"urls":["\ud800"]}"#, #"{"urls":["\x41"]}"#, #"{"urls":[],"x":01}"#, #"{"urls":[],"x":NaN}"#, #"{"urls":[],"x":1e}"#,
        #"{"urls":null}"#,
        #"{"urls":{"0":"x"}}"#, #"{"urls":[[]]}"#, #"{"urls":[],"pools":[1]}"#, "{\"urls\":[\"https://artifacts.example.org/a\"]",
        "{\"urls\":[],\"x\":" + String(repeating: "[", count: 40) + String(repeating: "]", count: 40) + "}",
        String(repeating: "{\"a\":", count: 100_000), String(repeating: "\0", count: 10),
    ]

    private static let otherEncodings: [[UInt8]] = [
        utf16("{\"urls\":[]}"), [0xFF, 0xFE] + utf16("{\"urls\":[]}"), url(with: [0xFF, 0xFE]), url(with: [0xC0, 0xAF]),
        url(with: [0xED, 0xA0, 0x80]),
    ]

    private static func utf16(_ text: String) -> [UInt8] { text.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] } }

    private static func url(with bytes: [UInt8]) -> [UInt8] {
        Array("{\"urls\":[\"https://artifacts.example.org/".utf8) + bytes + Array("\"]}".utf8)
    }

    @Test(arguments: ambiguous.map { Array($0.utf8) } + otherEncodings)
    func `a body that can be read in two ways, or in none, is a 400, and nothing is queued`(body: [UInt8]) async throws {
        let world = World()
        try await MirrorFixture.run(world) { mirror async throws in
            try await RawConnection.run(port: mirror.port) { connection async throws in
                await connection.send(Array(Self.head("POST /v1/warm", "\(Self.token)Content-Length: \(body.count)\r\n").utf8) + body)
                let response = try await connection.response()
                #expect(response.status == 400)
                #expect(response.json["code"]?.string == "InputError")
                #expect(try await world.state.replicas(in: nil, after: nil, limit: 10).isEmpty)
                #expect(try await connection.get("/healthz").status == 200)
            }
        }
    }

    @Test(arguments: [
        #"{"urls":[],"pools":null}"#,
        #" { "urls" : [ ] , "x" : [ 1 , -0.5e+3 , true , false , null , "\"\\\/\b\f\n\r\té\ud83d\ude00" , { } ] } "#,
        #"{"pools":[],"urls":[]}"#,
    ])
    func `whatever else is JSON is read`(body: String) async throws {
        try await MirrorFixture.run { mirror async throws in
            #expect(try await mirror.admin("POST", "/v1/warm", body: body).status == 202)
        }
    }
}
