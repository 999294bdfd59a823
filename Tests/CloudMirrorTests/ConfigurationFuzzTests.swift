import MirrorNet
import TestServers
import Testing

@testable import MirrorNode
@testable import MirrorSettings

@Suite struct ConfigurationFuzzTests {
    private static let environment = SettingsEnvironment.fake(
        variables: [
            "CLOUD_MIRROR_ADMIN_TOKEN": "a-token-that-is-long-enough", "MIRROR_KEY_ID": "AKIDEXAMPLE", "MIRROR_SECRET_KEY": "the-secret",
        ],
        files: [
            "/etc/cloud-mirror/tokens": "another-token-that-is-long\n", "/etc/cloud-mirror/cert.pem": "", "/etc/cloud-mirror/key.pem": "",
        ])
    private static let example = Array(
        ConfigurationExample.uncommented(ConfigurationExample.yaml(.standard)).utf8.filter { $0 != UInt8(ascii: "#") })
    /// What changes the structure of YAML, or sits at the edge of a parser.
    private static let fragments = [
        "\n", ": ", "- ", "[", "]", "{", "}", "&a ", "*a", "${", "$${", "'", "\"", "\\", "|", ">", "? ", "! ", "!!map ", "%YAML 1.1\n",
        "---\n", "...\n", "\t",
        "\u{FEFF}", "\0", "\u{85}", "~", "<<: ", "9999999999999999999999", "\"\\uD800\"", "é", "\r", ", ", "#", "@", "`",
    ].map { Array($0.utf8) }

    @Test("No bytes crash the reader, and what it refuses it explains", arguments: 0..<40)
    func mutations(round: UInt64) {
        for step: UInt64 in 0..<100 {
            var random = SeededGenerator(seed: round * 1_000 + step)
            let bytes = Self.mutated(&random)
            do {
                let configuration = try Configuration.parse(bytes, file: "fuzz.yaml", services: .standard, environment: Self.environment)
                #expect(!configuration.pools.isEmpty)
                #expect(!(configuration.origins.policy.allow.isEmpty && configuration.origins.buckets.isEmpty))
                #expect(configuration.origins.policy.allow != [.anyPublic])
            } catch {
                #expect(!error.problems.isEmpty)
                #expect(error.problems.allSatisfy { ($0.line ?? 0) >= 1 && ($0.column ?? 0) >= 1 && !$0.message.isEmpty })
            }
        }
    }

    private static func mutated(_ random: inout SeededGenerator) -> [UInt8] {
        // A window of the example, so that short files and broken beginnings come up too.
        var bytes = example
        if Bool.random(using: &random) {
            let start = Int.random(in: 0..<bytes.count, using: &random)
            bytes = Array(bytes[start..<min(bytes.count, start + Int.random(in: 1...2_000, using: &random))])
        }
        for _ in 0..<Int.random(in: 1...12, using: &random) {
            guard !bytes.isEmpty else { break }
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0: bytes[place] = UInt8.random(in: .min ... .max, using: &random)
            case 1: bytes.remove(at: place)
            case 2: bytes.insert(contentsOf: fragments.randomElement(using: &random) ?? [], at: place)
            case 3: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...40, using: &random)))
            case 4:
                let length = Int.random(in: 1...80, using: &random)
                let from = Int.random(in: 0..<bytes.count, using: &random)
                bytes.insert(contentsOf: Array(bytes[from..<min(bytes.count, from + length)]), at: place)
            default:
                let fragment = fragments.randomElement(using: &random) ?? []
                bytes.insert(contentsOf: (0..<Int.random(in: 2...60, using: &random)).flatMap { _ in fragment }, at: place)
            }
        }
        return bytes
    }

    @Test("Aliases that multiply are refused before they do")
    func aliasBomb() {
        var file = "a: &a [x, x, x, x, x, x, x, x, x]\n"
        var last = "a"
        for name in ["b", "c", "d", "e", "f", "g", "h"] {
            file += "\(name): &\(name) [\((0..<9).map { _ in "*\(last)" }.joined(separator: ", "))]\n"
            last = name
        }
        #expect(
            Configuration.problems(of: file) == [
                "mirror.yaml:1:1: the file refers to its anchors more than 16 times; write some of the values out"
            ])
    }

    @Test("Few aliases of much are refused by what they come to")
    func wideAliases() {
        let much = "[\((0..<6_000).map { _ in "x" }.joined(separator: ","))]"
        let problems = Configuration.problems(of: "a: &a \(much)\nb: [*a, *a, *a, *a]\n")
        #expect(problems.count == 1)
        #expect(problems.first?.hasSuffix("the file has more than 20000 values") == true)
    }

    @Test(
        "Depth is bounded, however it is written",
        arguments: [
            String(repeating: "[", count: 100_000), String(repeating: "{a: ", count: 100_000), String(repeating: "- ", count: 900) + "x",
            String(repeating: "[", count: 400) + "x" + String(repeating: "]", count: 400), String(repeating: "[{a: ", count: 100_000),
        ])
    func depth(file: String) {
        let problems = Configuration.problems(of: file)
        #expect(problems.count == 1)
        #expect(problems.first?.hasSuffix("values are nested more than 24 levels deep") == true)
    }

    @Test("A file of more than 1 MiB is refused")
    func size() {
        let problems = Configuration.problems(of: String(repeating: "# comment\n", count: 110_000))
        #expect(problems == ["mirror.yaml:1:1: the file is larger than 1MiB"])
    }
}
