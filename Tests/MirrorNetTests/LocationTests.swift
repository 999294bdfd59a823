import MirrorCore
import NIOCore
import Testing

@testable import MirrorNet

@Suite("Redirects whose Location is not ASCII", .timeLimit(.minutes(1)))
struct LocationTests {
    private static func bytes(_ text: String) -> [UInt8] { text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) } }

    @Test(
        "Each byte is percent-encoded as it came, as curl does",
        arguments: [
            ("/caf\u{e9}.bin", "/caf%E9.bin"), ("/caf\u{c3}\u{a9}.bin", "/caf%C3%A9.bin"), ("/\u{ff}\u{fe}\u{80}", "/%FF%FE%80"),
            ("\u{e9}", "/%E9"),
            ("/a?q=\u{e9}", "/a?q=%E9"), ("/a%20\u{e9}%e9", "/a%20%E9%E9"), ("/plain", "/plain"), ("/\u{ef}\u{bf}\u{bd}", "/%EF%BF%BD"),
        ])
    func encodes(location: String, target: String) async throws {
        for (number, name) in ["Location", "location", "LOCATION"].enumerated() {
            try await BothClients.run { clients async throws in
                let interim = number == 1 ? "HTTP/1.1 103 Early Hints\r\nLocation: /no\u{e9}\r\n\r\n" : ""
                let head = Self.bytes(
                    "\(interim)HTTP/1.1 302 Found\r\nX-Location: \u{e9}\r\n\(name): \(location)\r\nServer: \u{e9}\r\nContent-Length: 1\r\n\r\n\u{e9}"
                )
                // In one piece, byte by byte, and cut in the middle of the field.
                let pieces = number == 0 ? [head] : number == 1 ? head.map { [$0] } : [Array(head.prefix(60)), Array(head.dropFirst(60))]
                clients.server.on("/", .init(pieces))
                clients.server.on(target, .init("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhere"))
                #expect(try await clients.get("/", by: .origins).body == Array("here".utf8))
                #expect(clients.server.targets == ["/", target])
            }
        }
    }

    @Test("What is not the field of a final head stays as it came, byte by byte")
    func bodies() async throws {
        let body = Self.bytes("Location: \u{e9}\r\n\r\nlocation: \u{ff}\n")
        let head = Array("HTTP/1.1 200 OK\r\nContent-Length: \(body.count)\r\n\r\n".utf8)
        try await BothClients.run { clients async throws in
            clients.server.on("/one", .init([head + body], keepsConnection: true))
            clients.server.on("/two", .init((head + body).map { [$0] }, keepsConnection: true))
            for _ in 0..<2 {
                for target in ["/one", "/two"] { #expect(try await clients.get(target, by: .origins).body == body) }
            }
        }
    }
}
