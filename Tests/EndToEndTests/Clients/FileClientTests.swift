import Crypto
import Foundation
import MirrorCore
import NIOHTTP1
import TestServers
import Testing

extension EndToEnd {
    /// Clients that download one file, each with the line that the mirror tells it.
    @Suite(.timeLimit(.minutes(3)))
    struct FileClientTests {
        private static let size = 5_000_000

        private static let clients = ["curl", "wget", "aria2c"].filter(ClientHome.isExpected)

        private static func isFile(_ asked: PackageOrigins.Asked) -> Bool { asked.path.hasPrefix("/files/") || asked.host == "cdn" }

        @Test(
            "curl, wget and aria2c download a file under its own name, twice and without the origin", arguments: clients)
        func downloads(client: String) async throws {
            try await PackageScene.run { scene in
                let bytes = try await HTTP.send(.GET, "\(try scene.origins.url("plain"))/files/one.bin").body
                let line = try scene.lines(for: client, of: "files").replacing("PATH", with: "files/one.bin")
                try await scene.installThrice(from: ["plain"], isImmutable: Self.isFile, hasPages: false) { home in
                    try await home.run("sh", ["-ec", line])
                    #expect(try home.read("one.bin").elementsEqual(bytes))
                }
            }
        }

        @Test("curl, wget and aria2c go on with a file of which they have a part", arguments: clients)
        func resumes(client: String) async throws {
            try await PackageScene.run { scene in
                let bytes = try await HTTP.send(.GET, "\(try scene.origins.url("plain"))/files/one.bin").body
                let words = try scene.lines(for: client, of: "files").replacing("PATH", with: "files/one.bin").split(separator: " ")
                let options = ["curl": ["-C", "-"], "wget": ["-c"], "aria2c": ["-c", "-k", "1M"]]
                for length in [1, 2_500_000, Self.size - 1] {
                    let home = try ClientHome()
                    try Data(bytes.prefix(length)).write(to: URL(filePath: "\(home.path)/one.bin"))
                    try await home.run(String(words[0]), try #require(options[client]) + words.dropFirst().map(String.init))
                    #expect(try home.read("one.bin").elementsEqual(bytes), "\(length)")
                }
            }
        }

        @Test("A release that its origin redirects to a signed URL is copied once, and found under the first")
        func release() async throws {
            try await PackageScene.run { scene in
                let path = "mirror/tool/releases/download/v1/tool.tar.gz"
                let line = try scene.lines(for: "curl", of: "github").replacing("PATH", with: path)
                try await scene.installThrice(from: ["github", "cdn"], isImmutable: { _ in true }, hasPages: false) { home in
                    try await home.run("sh", ["-ec", line])
                    #expect(try await home.run("tar", ["-tzf", "tool.tar.gz"]) == "tool/BUILD\ntool/WORKSPACE\ntool/data.bin\n")
                }
            }
        }

        @Test(
            "Git LFS gets an object through the mirror, which asks the origin for it once", .enabled(if: ClientHome.isExpected("git-lfs")))
        func gitLFS() async throws {
            try await PackageScene.run { scene in
                let oid = "75cfc77327e4d04e243c4fd24d44dfdeee2004f95a800f9d175b1dca8b864f08"
                let line = try scene.lines(for: "git-lfs", of: "github").replacing("OWNER/REPOSITORY", with: "mirror/tool")
                let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:\(oid)\nsize 200000\n"
                var asked: [PackageOrigins.Asked] = []
                for round in 0..<2 {
                    let home = try ClientHome()
                    try home.write(pointer, to: "work/data.bin")
                    try home.write("*.bin filter=lfs\n", to: "work/.gitattributes")
                    let steps = [
                        "git init --quiet", "git lfs install --local",
                        line,
                        "git add .", "git -c user.name=a -c user.email=a@example.org commit --quiet --message=a", "git lfs fetch",
                        "git lfs checkout",
                    ]
                    try await home.run("sh", ["-ec", "cd work; \(steps.joined(separator: "; "))"])
                    #expect(Hex.encode(SHA256.hash(data: try home.read("work/data.bin"))) == oid)
                    let now = try await scene.origins.asked(["github", "cdn"])
                    #expect(now.allSatisfy { $0.userAgent.hasPrefix("cloud-mirror/") })
                    #expect(now.count { $0.method == "POST" } == round + 1)
                    if round == 1 { #expect(now.filter { $0.host == "cdn" } == asked.filter { $0.host == "cdn" }) }
                    asked = now
                }
                #expect(asked.contains { $0.host == "cdn" && $0.path.hasSuffix(oid) })
            }
        }

        @Test("Bazel's rules send a URL of the origin to the mirror, and then to the origin itself; another host needs no name")
        func bazelRules() async throws {
            try await PackageScene.run { scene in
                let url = "\(try scene.origins.url("github"))/mirror/tool/releases/download/v1/tool.tar.gz"
                let rules = try scene.lines(for: "bazel", of: "github").split(separator: "\n").filter { $0.hasPrefix("rewrite ") }
                let places = try rules.compactMap { try Self.rewritten(url, by: String($0)) }
                #expect(places == ["\(scene.mirror.url)/o/github/mirror/tool/releases/download/v1/tool.tar.gz", url])
                // What Bazel sends.
                let fields: HTTPHeaders = [
                    "Accept": "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", "Accept-Encoding": "gzip",
                    "User-Agent": "Bazel/4.2.3",
                ]
                let answer = try await HTTP.send(.GET, places[0], headers: fields)
                #expect(answer.status == 302)
                let object = try await scene.mirror.follow(answer)
                #expect(object.status == 200)
                #expect(object.body.starts(with: [0x1F, 0x8B]))
                // The rule for hosts without a name, as the documentation has it.
                let documented = "rewrite (HOST/.*) https://mirror.example.org/o/$1"
                let page = try String(contentsOf: Self.documentation, encoding: .utf8)
                #expect(page.split(whereSeparator: \.isWhitespace).joined(separator: " ").contains("`\(documented)`"))
                let host = try scene.origins.url("plain")
                let rule = documented.replacing("HOST", with: host.dropFirst("http://".count).replacing(".", with: "\\."))
                    .replacing("https://mirror.example.org", with: scene.mirror.url)
                let place = try Self.rewritten("\(host)/files/two.bin", by: rule)
                let other = try await HTTP.send(.GET, try #require(place), headers: fields)
                #expect(try await scene.mirror.follow(other).body.count == 300_000)
            }
        }

        private static let documentation = URL(filePath: #filePath).appending(path: "../../../../docs/clients.md").standardized

        /// As Bazel's UrlRewriter: a pattern matches the whole URL without its scheme, and all that match contribute.
        private static func rewritten(_ url: String, by rule: String) throws -> String? {
            let words = rule.split(separator: " ").map { String($0) }
            let bare = try #require(url.split(separator: "://").last)
            guard let match = try Regex(words[1]).wholeMatch(in: bare) else { return nil }
            return words[2].replacing("$1", with: match.output[1].substring ?? "")
        }
    }
}
