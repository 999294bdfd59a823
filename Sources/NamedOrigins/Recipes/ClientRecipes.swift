package import MirrorCore

/// The one source of the configuration that clients get: for the command `clients`, for the page `/clients`, and for `docs/clients.md`.
package enum ClientRecipes {
    /// - Parameter base: Where clients reach the mirror, without a slash at the end.
    package static func answer(for origins: [NamedOrigin], at base: String) -> ClientsCall.Answer {
        ClientsCall.Answer(
            origins: origins.sorted { $0.name < $1.name }.map { origin(named: $0.name, $0.preset, at: $0.url, mirror: base) })
    }

    private static func origin(named name: String, _ preset: Preset?, at url: ArtifactURL, mirror base: String) -> ClientsCall.Origin {
        let place = RecipePlace(base: base, name: name, origin: url)
        return ClientsCall.Origin(
            name: name, preset: preset?.rawValue, origin: url.description, url: place.url + "/",
            recipes: recipes(for: preset, place))
    }

    private static func recipes(for preset: Preset?, _ place: RecipePlace) -> [ClientsCall.Recipe] {
        switch preset {
        case .python: python(place)
        case .npm: npm(place)
        case .cargo: cargo(place)
        case .go: go(place)
        case .maven: maven(place)
        case .apt: apt(place)
        case .oci: oci(place)
        case .conda: conda(place)
        case .huggingface: huggingFace(place)
        case .github: files(place) + gitLFS(place)
        case nil: files(place)
        case .nix: nix(place)
        }
    }

    // MARK: The documentation

    /// The mirror and the named origins of `docs/clients.md`.
    private static let documented: [(name: String, preset: Preset?, url: String)] = [
        ("pip", .python, "https://pypi.org/"),
        ("npm", .npm, "https://registry.npmjs.org/"),
        ("crates", .cargo, "https://index.crates.io/"),
        ("go", .go, "https://proxy.golang.org/"),
        ("central", .maven, "https://repo.maven.apache.org/maven2/"),
        ("debian", .apt, "https://deb.debian.org/debian/"),
        ("docker", .oci, "https://registry-1.docker.io/"),
        ("conda", .conda, "https://conda.anaconda.org/"),
        ("hub", .huggingface, "https://huggingface.co/"),
        ("github", .github, "https://github.com/"),
        ("nix", .nix, "https://cache.nixos.org/"),
    ]

    /// A section of Markdown for each client: its heading, then its file.
    package static var markdown: String {
        documented.compactMap { name, preset, url in
            (try? ArtifactURL(url)).map { origin(named: name, preset, at: $0, mirror: "https://mirror.example.org") }
        }.map { origin in
            let recipes = origin.recipes.map { recipe in
                "### \(recipe.client)\n\n\(recipe.place == "shell" ? "In a shell" : "`\(recipe.place)`"):\n\n```\n\(recipe.lines)\n```\n"
            }
            let settings = "`\(origin.name): {url: \(origin.origin), preset: \(origin.preset ?? "")}`"
            return "## \(origin.preset ?? origin.name)\n\nFor the named origin \(settings).\n\n\(recipes.joined(separator: "\n"))"
        }.joined(separator: "\n")
    }
}
