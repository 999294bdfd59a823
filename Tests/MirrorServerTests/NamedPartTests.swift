import MirrorCore
import NamedOrigins
import Testing

@testable import MirrorServer

/// Parts of artifacts below `/o/`, for clients that read the directory of an archive.
@Suite(.timeLimit(.minutes(5)))
struct NamedPartTests {
    /// A mirror whose only object, `artifact`, is twice as long as what is sent in answers.
    private static func run(_ body: (MirrorFixture) async throws -> Void) async throws {
        let world = World()
        try await world.seed("/a.whl")
        let url = try ArtifactURL(World.origin + "/")
        let options = MirrorOptions.with { options in
            options.fallback = World.pool
            options.named = [NamedOrigin(name: "pip", url: url, rules: [OriginRule(.everything, .mirrored, inlineLimit: 4)])]
        }
        try await MirrorFixture.run(world, options, body)
    }

    @Test(arguments: [
        ("bytes=0-3", "arti", "bytes 0-3/8"), ("bytes=-4", "fact", "bytes 4-7/8"), ("bytes=6-", "ct", "bytes 6-7/8"),
        ("bytes=4-100", "fact", "bytes 4-7/8"),
    ])
    func `a part that is as small as what is sent in answers is sent, also when the redirect is known`(
        range: String, part: String, place: String
    ) async throws {
        try await Self.run { mirror in
            for _ in 0..<3 {
                #expect(try await mirror.get("/o/pip/a.whl").status == 302)
                let answer = try await mirror.get("/o/pip/a.whl", [("Range", range)])
                #expect(answer.status == 206)
                #expect(answer.text == part)
                #expect(answer["Content-Range"] == place)
                #expect(answer["Content-Length"] == "\(part.utf8.count)")
            }
        }
    }

    @Test(arguments: ["bytes=0-4", "bytes=3-", "bytes=-5", "bytes=0-", "bytes=0-1,3-4", "items=0-1", "bytes=9-"])
    func `a larger part, and what is no part, is redirected to`(range: String) async throws {
        try await Self.run { mirror in
            for _ in 0..<2 {
                let answer = try await mirror.get("/o/pip/a.whl", [("Range", range)])
                #expect(answer.status == 302)
                #expect(answer["Location"]?.hasPrefix("/local/dev/") == true)
            }
        }
    }
}
