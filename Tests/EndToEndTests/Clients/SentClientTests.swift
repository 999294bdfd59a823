import Crypto
import Foundation
import MirrorCore
import NIOHTTP1
import TestServers
import Testing

extension EndToEnd {
    /// Clients that are not installed here: what each of them sends, according to its source code, with the lines that the mirror tells it.
    @Suite(.timeLimit(.minutes(3)))
    struct SentClientTests {
        /// Follows a redirect to the copy as clients do, with the same fields.
        private static func get(_ url: String, _ fields: HTTPHeaders, in scene: PackageScene) async throws -> HTTP.Answer {
            let answer = try await HTTP.send(.GET, url, headers: fields)
            guard answer.status == 302 else { return answer }
            let location = try #require(answer.location)
            try #require(location.hasPrefix("/local/"), "a redirect to \(location), not to a copy")
            return try await scene.mirror.send(.GET, location, headers: fields)
        }

        // MARK: containerd

        private struct Manifest: Decodable {
            let config: Part
            let layers: [Part]

            struct Part: Decodable {
                let mediaType: String
                let digest: String
                let size: Int
            }
        }

        /// What the resolver of containerd accepts of a tag.
        private static let manifests = [
            "application/vnd.docker.distribution.manifest.v2+json", "application/vnd.docker.distribution.manifest.list.v2+json",
            "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json", "*/*",
        ].joined(separator: ", ")

        private static func containerd(_ type: String) -> HTTPHeaders {
            [
                "User-Agent": "containerd/2.1.4", "Accept": "\(type), */*", "Accept-Encoding": "zstd;q=1.0, gzip;q=0.8, deflate;q=0.5",
            ]
        }

        @Test("containerd pulls an image, and says at each request which registry it means, twice and without the registry")
        func containerd() async throws {
            try await PackageScene.run { scene in
                let lines = try scene.lines(for: "containerd", of: "images")
                #expect(lines.hasSuffix("capabilities = [\"pull\", \"resolve\"]\noverride_path = true"))
                let host = try #require(lines.split(separator: "\"").first { $0.hasPrefix("http://") && $0.hasSuffix("/v2") })
                let registry = try scene.origins.url("oci").dropFirst("http://".count)
                let (image, query) = ("\(host)/library/mirror", "?ns=\(PercentCoding.encode(String(registry)))")
                let isFixed = { (asked: PackageOrigins.Asked) in asked.target.contains("sha256:") }
                try await scene.installThrice(from: ["oci", "tokens", "cdn"], isImmutable: isFixed) { _ in
                    let tag = try await HTTP.send(
                        .HEAD, "\(image)/manifests/latest\(query)",
                        headers: ["User-Agent": "containerd/2.1.4", "Accept": Self.manifests])
                    #expect(tag.status == 200)
                    let digest = try #require(tag.headers.first(name: "Docker-Content-Digest"))
                    let type = try #require(tag.headers.first(name: "Content-Type"))
                    let manifest = try await Self.get("\(image)/manifests/\(digest)\(query)", Self.containerd(type), in: scene)
                    #expect(manifest.status == 200 && manifest.headers.first(name: "Content-Type") == type)
                    #expect("sha256:\(Hex.encode(SHA256.hash(data: manifest.body)))" == digest)
                    #expect(tag.headers.first(name: "Content-Length") == "\(manifest.body.count)")
                    let parts = try manifest.json(Manifest.self)
                    for part in [parts.config] + parts.layers {
                        let url = "\(image)/blobs/\(part.digest)\(query)"
                        let blob = try await Self.get(url, Self.containerd(part.mediaType), in: scene)
                        #expect(blob.status == 200 && blob.body.count == part.size)
                        #expect("sha256:\(Hex.encode(SHA256.hash(data: blob.body)))" == part.digest)
                        // After a connection that broke.
                        var fields = Self.containerd(part.mediaType)
                        fields.add(name: "Range", value: "bytes=10-")
                        let rest = try await Self.get(url, fields, in: scene)
                        #expect(rest.status == 206 && rest.body.elementsEqual(blob.body.dropFirst(10)))
                    }
                    // While it can still be asked.
                    if let asked = try? await scene.origins.asked(["oci"]) {
                        let tags = asked.map(\.target).filter { $0.contains("/manifests/latest") }
                        #expect(!tags.isEmpty && tags.allSatisfy { !$0.contains("?") }, "\(tags)")
                    }
                }
            }
        }

        // MARK: Gradle

        @Test("Gradle asks for the head of each file before the file, and for its checksum after it, twice and without the repository")
        func gradle() async throws {
            try await PackageScene.run { scene in
                let lines = try scene.lines(for: "gradle", of: "central")
                #expect(lines.contains("allowInsecureProtocol = true"))
                let url = try #require(lines.split(separator: "\"").first { $0.hasPrefix("http://") })
                let folder = "\(url)org/example/mirror/leaf"
                let fields: HTTPHeaders = [
                    "User-Agent": "Gradle/8.14.3 (Linux;6.1.0;amd64) (Debian;17.0.15;17.0.15+6-Debian-1deb12u1)",
                    "Accept-Encoding": "gzip,deflate",
                ]
                try await scene.installThrice(from: ["maven"], isImmutable: { $0.path.contains("/1.0/") }) { _ in
                    let versions = try await Self.get("\(folder)/maven-metadata.xml", fields, in: scene)
                    #expect(versions.status == 200 && versions.text.contains("<release>1.0</release>"))
                    for name in ["leaf-1.0.pom", "leaf-1.0.jar"] {
                        let head = try await HTTP.send(.HEAD, "\(folder)/1.0/\(name)", headers: fields)
                        #expect(head.status == 200, "\(name)")
                        let file = try await Self.get("\(folder)/1.0/\(name)", fields, in: scene)
                        #expect(file.status == 200 && head.headers.first(name: "Content-Length") == "\(file.body.count)", "\(name)")
                        let sum = try await Self.get("\(folder)/1.0/\(name).sha1", fields, in: scene)
                        #expect(sum.text == Hex.encode(Insecure.SHA1.hash(data: file.body)), "\(name)")
                    }
                }
            }
        }

        // MARK: pnpm and yarn

        private struct Package: Decodable {
            let versions: [String: Version]

            struct Version: Decodable {
                let dist: Distribution
            }

            struct Distribution: Decodable {
                let tarball: String
                let integrity: String
            }
        }

        private static func isTarball(_ asked: PackageOrigins.Asked) -> Bool { asked.path.hasSuffix(".tgz") }

        private static func distribution(_ url: String, _ fields: HTTPHeaders) async throws -> Package.Distribution {
            let answer = try await HTTP.send(.GET, url, headers: fields)
            try #require(answer.status == 200, "\(answer.status) \(answer.text)")
            let package = try answer.json(Package.self)
            return try #require(package.versions["1.0.0"]).dist
        }

        private static func check(_ file: HTTP.Answer, _ distribution: Package.Distribution) {
            #expect(file.status == 200)
            #expect(distribution.integrity == "sha512-\(Data(SHA512.hash(data: file.body)).base64EncodedString())")
        }

        @Test("pnpm gets packages where their short form says that they are, twice and without the registry")
        func pnpm() async throws {
            try await PackageScene.run { scene in
                let registry = try scene.lines(for: "npm, pnpm", of: "npm").dropFirst("registry=".count)
                let agent = "pnpm/9.15.4 npm/? node/v22.12.0 linux x64"
                let fields: HTTPHeaders = [
                    "User-Agent": agent, "Accept": "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*",
                ]
                try await scene.installThrice(from: ["npm"], isImmutable: Self.isTarball) { _ in
                    for name in ["left-mirror", "@mirror%2Fscoped"] {
                        let distribution = try await Self.distribution("\(registry)\(name)", fields)
                        #expect(distribution.tarball.hasPrefix(registry))
                        let file = try await Self.get(distribution.tarball, ["User-Agent": agent, "Accept": "*/*"], in: scene)
                        Self.check(file, distribution)
                    }
                }
            }
        }

        @Test("yarn 2 makes up the URLs of packages from the registry's, twice and without the registry")
        func yarn() async throws {
            try await PackageScene.run { scene in
                let lines = try scene.lines(for: "yarn 2", of: "npm").split(separator: "\n")
                #expect(lines.last == "unsafeHttpWhitelist: [\"127.0.0.1\"]")
                let registry = try #require(lines.first).dropFirst("npmRegistryServer: \"".count).dropLast()
                let fields: HTTPHeaders = [
                    "User-Agent": "got (https://github.com/sindresorhus/got)", "Accept-Encoding": "gzip, deflate, br",
                ]
                try await scene.installThrice(from: ["npm"], isImmutable: Self.isTarball) { _ in
                    for (name, file) in [("left-mirror", "left-mirror"), ("@mirror%2fscoped", "scoped")] {
                        let distribution = try await Self.distribution("\(registry)/\(name)", fields)
                        // Only then: for a package whose tarball is elsewhere, it keeps the URL.
                        #expect(distribution.tarball == "\(registry)/\(name.replacing("%2f", with: "/"))/-/\(file)-1.0.0.tgz")
                        let tarball = try await Self.get("\(registry)/\(name)/-/\(file)-1.0.0.tgz", fields, in: scene)
                        Self.check(tarball, distribution)
                    }
                }
            }
        }

        // MARK: Nix

        @Test("Nix looks for a path that is not there and for one that is, twice and without the cache")
        func nix() async throws {
            try await PackageScene.run { scene in
                let url = try scene.lines(for: "nix", of: "nix").dropFirst("substituters = ".count)
                let path = try await HTTP.send(.GET, "\(try scene.origins.url("nix"))/path").text
                let name = path.dropFirst("/nix/store/".count).prefix { $0 != "-" }
                let fields: HTTPHeaders = [
                    "User-Agent": "curl/8.4.0 Nix/2.18.1", "Accept": "*/*", "Accept-Encoding": "deflate, gzip, br, zstd",
                ]
                try await scene.installThrice(from: ["nix"], isImmutable: { $0.path.hasPrefix("/nar/") }) { _ in
                    let cache = try await HTTP.send(.GET, "\(url)/nix-cache-info", headers: fields)
                    #expect(cache.status == 200 && cache.text.hasPrefix("StoreDir: /nix/store\n"))
                    let none = "\(url)/\(String(repeating: "0", count: 32)).narinfo"
                    #expect(try await HTTP.send(.HEAD, none, headers: fields).status == 404)
                    #expect(try await HTTP.send(.GET, none, headers: fields).status == 404)
                    let info = try await HTTP.send(.GET, "\(url)/\(name).narinfo", headers: fields).text.split(separator: "\n")
                    let file = try #require(info.first { $0.hasPrefix("URL: ") }).dropFirst("URL: ".count)
                    let archive = try await Self.get("\(url)/\(file)", fields, in: scene)
                    #expect(archive.status == 200 && info.contains("FileSize: \(archive.body.count)"))
                }
            }
        }

        // MARK: conda and mamba

        private struct Channel: Decodable {
            let packages: [String: Record]

            struct Record: Decodable {
                let sha256: String
            }
        }

        @Test(
            "conda and mamba look for a compressed index before they take the plain one, twice and without the channel",
            arguments: [("conda/24.1.2 requests/2.31.0 CPython/3.11.7 Linux/6.1.0 debian/12 glibc/2.36", "GET"), ("mamba/1.5.8", "HEAD")])
        func conda(userAgent: String, method: String) async throws {
            try await PackageScene.run { scene in
                let lines = try scene.lines(for: "conda, mamba", of: "conda").split(separator: "\n")
                #expect(lines.dropFirst() == ["channels:", "  - conda-forge"])
                let alias = try #require(lines.first).dropFirst("channel_alias: ".count)
                let folder = "\(alias)/channel/noarch"
                let fields: HTTPHeaders = ["User-Agent": userAgent, "Accept-Encoding": "gzip, deflate", "Accept": "*/*"]
                try await scene.installThrice(from: ["conda"], isImmutable: { $0.path.hasSuffix(".tar.bz2") }) { _ in
                    let compressed = try await HTTP.send(
                        HTTPMethod(rawValue: method), "\(folder)/repodata.json.zst", headers: fields)
                    #expect(compressed.status == 404)
                    let plain = try await HTTP.send(.GET, "\(folder)/repodata.json", headers: fields)
                    let packages = try plain.json(Channel.self).packages
                    #expect(packages.count == 2)
                    for (name, record) in packages {
                        let file = try await Self.get("\(folder)/\(name)", fields, in: scene)
                        #expect(Hex.encode(SHA256.hash(data: file.body)) == record.sha256, "\(name)")
                    }
                }
            }
        }
    }
}
