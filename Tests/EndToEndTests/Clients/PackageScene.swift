import Foundation
import MirrorCore
import NIOHTTP1
import TestServers
import Testing

/// A mirror with one named origin for each preset, of registries on this machine.
struct PackageScene {
    let mirror: MirrorProcess
    let origins: PackageOrigins
    private let clients: ClientsCall.Answer

    /// Names, presets and hosts of the named origins, and rules of their own: pages live for no time, so that each question for one is a question
    /// for the origin. Rules that the preset has before those of pages are repeated.
    private static let named: [(name: String, preset: String?, host: String, more: String)] = [
        ("pip", "python", "python", "rules: [{path: '**/simple/{project}/', class: rewritten, links: python, life: 0s}]"),
        (
            "npm", "npm", "npm",
            "rules: [{path: '/@{scope}/{package}', class: rewritten, links: npm, life: 0s}, {path: '/{package}', class: rewritten, links: npm, life: 0s}]"
        ),
        (
            "crates", "cargo", "cargo",
            "rules: [{path: /config.json, class: rewritten, links: cargo-config, life: 0s}, {path: '/{one}/{two}/{crate}', class: revalidated, life: 0s}]"
        ),
        (
            "go", "go", "go",
            "rules: [{path: '**/@v/list', class: revalidated, life: 0s}, {path: '**/@latest', class: revalidated, life: 0s}]"
        ),
        ("central", "maven", "maven", "rules: [{path: '**/maven-metadata.xml*', class: revalidated, life: 0s}]"),
        ("debian", "apt", "apt", "rules: [{path: '**/{InRelease,Release,Release.gpg}', class: revalidated, life: 0s}]"),
        (
            "images", "oci", "oci",
            "rules: [{path: '/v2/**/manifests/sha256:{digest:hex64}', class: mirrored, inline: 1MiB, query: drop, digest: path}, {path: '/v2/**/manifests/{tag}', class: revalidated, life: 0s, query: drop}]"
        ),
        ("conda", "conda", "conda", "rules: [{path: '**/repodata.json', class: rewritten, links: conda-repodata, life: 0s}]"),
        ("hub", "huggingface", "hub", "rules: [{path: '/api/**', class: rewritten, links: fields, life: 0s}]"),
        // What its clients may read, the hub decides by what they show.
        ("gated", "huggingface", "gated", "credentials: client"),
        ("github", "github", "github", ""),
        ("nix", "nix", "nix", "rules: [{path: '/{hash}.narinfo', class: revalidated, life: 0s}]"),
        ("files", nil, "plain", "rules: [{path: '**', class: mirrored}]"),
    ]

    static func run(
        isolation: isolated (any Actor)? = #isolation, change: (inout MirrorSettings) -> Void = { _ in },
        _ body: (PackageScene) async throws -> Void
    ) async throws {
        let origins = try await PackageOrigins.start()
        var settings = MirrorSettings(allow: origins.urls.values.sorted().map { "\($0)/" })
        // What pages link to, and who hands out tokens.
        let others = ["python": "files", "cargo": "files", "oci": "tokens", "github": "cdn"]
        let named = try Self.named.map { name, preset, host, more in
            let links = try others[host].map { "links: ['\(try origins.url($0))/']" }
            let keys = ["url: '\(try origins.url(host))/'", preset.map { "preset: \($0)" }, links, more.isEmpty ? nil : more]
            return "\(name): {\(keys.compactMap(\.self).joined(separator: ", "))}"
        }
        settings.moreOrigins = ["named: {\(named.joined(separator: ", "))}"]
        change(&settings)
        try await MirrorProcess.run(settings) { mirror in
            let answer = try await mirror.send(.GET, "/v1/clients")
            try await body(PackageScene(mirror: mirror, origins: origins, clients: answer.json()))
        }
        try await origins.stop()
    }

    /// What the mirror tells a client to write into its file.
    func lines(for client: String, of origin: String) throws -> String {
        let recipes = try #require(clients.origins.first { $0.name == origin }, "an origin called \(origin)").recipes
        return try #require(recipes.first { $0.client.hasPrefix(client) }, "a recipe for \(client)").lines
    }

    /// Variables of recipes for a shell.
    func variables(for client: String, of origin: String) throws -> [String: String] {
        let words = try lines(for: client, of: origin).split(separator: "\n").map {
            $0.trimmingPrefix("export ").split(separator: "=", maxSplits: 1)
        }
        return Dictionary(uniqueKeysWithValues: words.map { (String($0[0]), String($0[1])) })
    }

    /// Installs from three fresh accounts: one after the other, and with the origin gone.
    ///
    /// - Parameters:
    ///   - hosts: Those that may be asked.
    ///   - isImmutable: Whether what is asked never changes: it is asked once.
    ///   - hasPages: Whether something is revalidated.
    ///   - install: Has to leave what is wanted, or throw.
    func installThrice(
        from hosts: [String], isolation: isolated (any Actor)? = #isolation, isImmutable: (PackageOrigins.Asked) -> Bool,
        hasPages: Bool = true, _ install: (ClientHome) async throws -> Void
    ) async throws {
        let before = try await origins.asked(hosts)
        try await install(ClientHome())
        let first = try await origins.asked(hosts, after: before)
        let files = first.filter { $0.method == "GET" && isImmutable($0) }
        #expect(!files.isEmpty, "\(first)")
        // Whoever asks the origin itself has another name.
        #expect(first.allSatisfy { $0.userAgent.hasPrefix("cloud-mirror/") }, "\(first.map(\.userAgent))")
        // Ranges of one copy are several requests.
        let whole = files.filter { $0.status == 200 }.map { "\($0.host)\($0.path)" }
        #expect(Set(whole).count == whole.count, "\(whole.sorted())")
        try await install(ClientHome())
        let second = try await origins.asked(hosts, after: before + first)
        #expect(second.filter(isImmutable).isEmpty)
        #expect(second.filter { $0.method == "GET" && $0.status == 200 }.isEmpty)
        if hasPages { #expect(second.contains { $0.status == 304 }, "\(second)") }
        try await origins.stop()
        try await install(ClientHome())
    }
}
