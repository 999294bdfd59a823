import MirrorCore
import TestServers
import Testing

extension EndToEnd {
    /// Artifacts whose names are more than ASCII, asked for as clients ask.
    @Suite(.timeLimit(.minutes(1)))
    struct NameTests {
        @Test("Each name leads to its own bytes, by GET and by HEAD, however Unicode would put its scalars together")
        func names() async throws {
            let names = [
                "%CC%81x.bin", "e%CC%81.bin", "%C3%A9.bin", "%E2%80%8Dx.bin", "%EF%B8%8F", "x.%CC%81bin", "%E1%84%80%E1%85%A1", "%EA%B0%80",
                "%E2%84%AA.bin", "K.bin", "%FF.bin", "%E9.bin",
            ]
            try await FakeOrigin.run { origin in
                for name in names { origin.on("/x/\(name)", .text("this is \(name)")) }
                try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { mirror in
                    for round in ["wait", "hit"] {
                        for name in names {
                            let redirect = "\(mirror.url)/v1/redirect/local/dev/\(PercentCoding.encode(origin.url("/x/\(name)")))"
                            let answer = try await mirror.redirect(origin.url("/x/\(name)"))
                            #expect(answer.outcome == round, "\(name)")
                            let got = try await Client.run(["curl", "-sSfL", redirect])
                            #expect(got.output.contains("this is \(name)"), "\(name): \(got.errors)")
                            let head = try await Client.run(["curl", "-sSfLI", redirect])
                            #expect(head.output.contains("Content-Length: \("this is \(name)".utf8.count)"), "\(name): \(head.errors)")
                        }
                    }
                    #expect(try mirror.objects().count == names.count)
                }
            }
        }

        @Test("A redirect to a name in Latin-1 is followed to that name, byte by byte")
        func latin1() async throws {
            try await FakeOrigin.run { origin in
                let head = Array("HTTP/1.1 302 Found\r\nLocation: /caf".utf8) + [0xE9] + Array(".bin\r\nContent-Length: 0\r\n\r\n".utf8)
                origin.on("/a.bin", FakeBehavior().with { $0.raw = head })
                origin.on("/caf%E9.bin", .text("coffee"))
                try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { mirror in
                    let answer = try await mirror.redirect(origin.url("/a.bin"))
                    #expect(answer.outcome == "wait")
                    #expect(try await mirror.follow(answer).text == "coffee")
                }
            }
        }
    }
}
