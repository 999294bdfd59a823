import MirrorCore
import NamedOrigins
import Testing

@Suite struct ClientRecipesTests {
    private static func recipes(
        _ preset: Preset?, url: String = "https://origin.example.org/", at base: String = "https://mirror.example.org"
    ) throws -> [ClientsCall.Recipe] {
        let origin = NamedOrigin(name: "name", url: try ArtifactURL(url), preset: preset)
        let answer = ClientRecipes.answer(for: [origin], at: base)
        return try #require(answer.origins.first).recipes
    }

    private static func lines(
        of client: String, _ preset: Preset?, url: String = "https://origin.example.org/", at base: String = "https://mirror.example.org"
    ) throws -> [String] {
        let recipe = try #require(try recipes(preset, url: url, at: base).first { $0.client.hasPrefix(client) })
        return recipe.lines.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    @Test("Every preset has recipes, and each leads to the named origin at the mirror", arguments: Preset.allCases)
    func presets(_ preset: Preset) throws {
        let recipes = try Self.recipes(preset)
        #expect(!recipes.isEmpty)
        for recipe in recipes {
            #expect(recipe.lines.contains("mirror.example.org/o/name"), "\(recipe.client)")
            #expect(!recipe.lines.hasSuffix("\n") && !recipe.place.isEmpty, "\(recipe.client)")
        }
    }

    @Test("Origins are in the order of their names, with their presets and both addresses")
    func answer() throws {
        let url = try ArtifactURL("https://origin.example.org/a/")
        let answer = ClientRecipes.answer(
            for: [NamedOrigin(name: "two", url: url, preset: .go), NamedOrigin(name: "one", url: url)], at: "https://mirror.example.org/m")
        #expect(answer.origins.map(\.name) == ["one", "two"])
        #expect(answer.origins.map(\.preset) == [nil, "go"])
        #expect(answer.origins.map(\.origin) == ["https://origin.example.org/a/", "https://origin.example.org/a/"])
        #expect(answer.origins.map(\.url) == ["https://mirror.example.org/m/o/one/", "https://mirror.example.org/m/o/two/"])
    }

    @Test(
        "pip is told to trust a mirror without TLS, unless it is on the same machine",
        arguments: [
            ("https://mirror.example.org", nil), ("http://mirror.example.org:8080", "mirror.example.org"), ("http://10.0.0.1", "10.0.0.1"),
            ("http://[2001:db8::1]:80/m", "2001:db8::1"), ("http://127.0.0.1:8080", nil), ("http://localhost:8080", nil),
            ("http://[::1]:8080", nil),
        ])
    func trust(base: String, host: String?) throws {
        let index = "index-url = \(base)/o/name/simple/"
        #expect(try Self.lines(of: "pip", .python, at: base) == ["[global]", index] + (host.map { ["trusted-host = \($0)"] } ?? []))
    }

    @Test("Bazel tries the mirror, then the origin, for exactly what is below the origin's URL")
    func bazel() throws {
        #expect(
            try Self.lines(of: "bazel", .github, url: "https://files.example.org:8443/a.b/").suffix(2) == [
                #"rewrite files\.example\.org:8443/a\.b/(.*) https://mirror.example.org/o/name/$1"#,
                #"rewrite files\.example\.org:8443/a\.b/(.*) files.example.org:8443/a.b/$1"#,
            ])
        // Without a scheme in the rule, Bazel keeps that of the URL, and a file's rule may be for both.
        #expect(
            try Self.lines(of: "bazel", nil, url: "http://127.0.0.1:80/").last == #"rewrite 127\.0\.0\.1/(.*) http://127.0.0.1/$1"#)
    }

    @Test("Images of Docker Hub are called docker.io, and others after their host")
    func images() throws {
        #expect(
            try Self.lines(of: "podman", .oci, url: "https://registry-1.docker.io/", at: "http://mirror:5000") == [
                "[[registry]]", #"location = "docker.io""#, "", "[[registry.mirror]]", #"location = "mirror:5000/o/name""#,
                "insecure = true",
            ])
        #expect(try Self.lines(of: "podman", .oci).suffix(1) == [#"location = "mirror.example.org/o/name""#])
        let hosts = try #require(try Self.recipes(.oci, url: "https://registry-1.docker.io/").last)
        #expect(hosts.place == "/etc/containerd/certs.d/docker.io/hosts.toml")
        #expect(hosts.lines.hasPrefix("server = \"https://registry-1.docker.io\"\n\n[host.\"https://mirror.example.org/o/name/v2\"]\n"))
    }

    @Test(
        "Maven asks the mirror in place of Central only for Central, and otherwise for the repository of the named origin",
        arguments: [
            ("https://repo.maven.apache.org/maven2/", "central</mirrorOf>"), ("https://repo1.maven.org/maven2/", "central</mirrorOf>"),
            ("https://maven.example.org/", "name</mirrorOf> <!-- the id that the repository has in your projects -->"),
        ])
    func mavenRepositories(url: String, end: String) throws {
        #expect(try Self.lines(of: "maven", .maven, url: url).contains("      <mirrorOf>\(end)"))
    }

    @Test("Gradle and yarn are told that a mirror without TLS is meant, and not of one with it")
    func insecure() throws {
        #expect(try Self.lines(of: "gradle", .maven, at: "http://mirror").contains("            allowInsecureProtocol = true"))
        #expect(try Self.lines(of: "gradle", .maven).count == 7)
        #expect(
            try Self.lines(of: "yarn 2", .npm, at: "http://mirror:80") == [
                "npmRegistryServer: \"http://mirror:80/o/name\"", "unsafeHttpWhitelist: [\"mirror\"]",
            ])
        #expect(try Self.lines(of: "yarn 2", .npm).count == 1)
    }

    @Test("Without TLS, clients are told what the documentation says, but for the address, and for what makes them accept that")
    func plainHTTP() throws {
        let origins = ClientRecipes.markdown.split(separator: "\n").filter { $0.hasPrefix("For the named origin `") }
        #expect(origins.count == Preset.allCases.count)
        let exceptions = ["trusted-host = ", "unsafeHttpWhitelist: ", "insecure = true", "allowInsecureProtocol = true"]
        for line in origins {
            // `NAME: {url: URL, preset: PRESET}`
            let words = line.split(separator: "`")[1].split(separator: " ")
            let (name, url) = (String(words[0].dropLast()), String(words[2].dropLast()))
            let origin = NamedOrigin(name: name, url: try ArtifactURL(url), preset: Preset(rawValue: String(words[4].dropLast())))
            for recipe in ClientRecipes.answer(for: [origin], at: "http://10.0.0.1:8080").origins.flatMap(\.recipes) {
                let lines = recipe.lines.replacing("http://10.0.0.1:8080", with: "https://mirror.example.org")
                    .replacing("10.0.0.1:8080", with: "mirror.example.org").split(separator: "\n", omittingEmptySubsequences: false)
                    .filter { line in !exceptions.contains { line.contains($0) } }
                let place = recipe.place == "shell" ? "In a shell" : "`\(recipe.place)`"
                let section = "### \(recipe.client)\n\n\(place):\n\n```\n\(lines.joined(separator: "\n"))\n```\n"
                #expect(ClientRecipes.markdown.contains(section), "\(section)")
            }
        }
    }

    @Test("The documentation has a section for each preset")
    func documentation() {
        let sections = ClientRecipes.markdown.split(separator: "\n").filter { $0.hasPrefix("## ") }
        #expect(sections == Preset.allCases.map { "## \($0.rawValue)" })
    }
}
