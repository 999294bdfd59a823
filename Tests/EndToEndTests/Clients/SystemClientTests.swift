import Crypto
import Foundation
import MirrorCore
import NIOHTTP1
import TestServers
import Testing

extension EndToEnd {
    /// Clients of packages for systems, of images and of models, each with the lines that the mirror tells it.
    @Suite(.timeLimit(.minutes(3)))
    struct SystemClientTests {
        // MARK: apt

        @Test(
            "apt installs a package and the thirteen that it needs, which it asks for ten at a time, twice and without the archive",
            .enabled(if: ClientHome.isExpected("apt-get")))
        func apt() async throws {
            let isFixed = { (asked: PackageOrigins.Asked) in asked.path.hasPrefix("/pool/") || asked.path.contains("/by-hash/") }
            try await PackageScene.run { scene in
                let key = try await HTTP.send(.GET, "\(try scene.origins.url("apt"))/archive.asc").text
                try await scene.installThrice(from: ["apt"], isImmutable: isFixed) { home in
                    try Self.write(try scene.lines(for: "apt", of: "debian"), key: key, in: home)
                    try await Self.apt(["update"], in: home)
                    try await Self.apt(["install", "--yes", "--download-only", "mirror-app"], in: home)
                    let names = try home.files(in: "apt/var/cache/apt/archives", suffix: ".deb")
                    #expect(names.count == 14 && names.contains("mirror-leaf_1.0_all.deb"), "\(names)")
                    for name in names { try await home.run("dpkg-deb", ["--extract", "apt/var/cache/apt/archives/\(name)", "root"]) }
                    #expect(try home.read("root/usr/share/mirror-leaf/data.bin").count == 20_000)
                }
            }
        }

        /// All of apt's directories are the home's, so that it knows nothing of this machine's sources, keys and packages.
        private static func write(_ source: String, key: String, in home: ClientHome) throws {
            let keyFile = try home.write(key, to: "archive.asc")
            let lines = source.split(separator: "\n").map { $0.hasPrefix("Signed-By:") ? "Signed-By: \(keyFile)" : String($0) }
            try home.write(lines.joined(separator: "\n") + "\n", to: "apt/etc/apt/sources.list.d/mirror.sources")
            try home.write("", to: "apt/var/lib/dpkg/status")
            for folder in [
                "apt/etc/apt/apt.conf.d", "apt/etc/apt/preferences.d", "apt/var/lib/apt/lists/partial",
                "apt/var/cache/apt/archives/partial",
            ] {
                try home.write("", to: "\(folder)/empty")
            }
            let settings = [
                "Dir \"\(home.path)/apt/\"", "Dir::State::status \"\(home.path)/apt/var/lib/dpkg/status\"", "APT::Architecture \"amd64\"",
                "APT::Architectures {\"amd64\"}", "APT::Sandbox::User \"\"", "Dir::Etc::Trusted \"/dev/null\"",
            ]
            try home.write(settings.map { "\($0);\n" }.joined(), to: "apt.conf")
        }

        private static func apt(_ arguments: [String], in home: ClientHome) async throws {
            let output = try await home.run("apt-get", arguments, environment: ["APT_CONFIG": "\(home.path)/apt.conf"])
            // What it cannot fetch for an update is only a warning.
            #expect(!output.contains("W: ") && !output.contains("Err:"), "\(output)")
        }

        // MARK: Images

        @Test(
            "skopeo copies an image, without a token of its own, twice and without the registry",
            .enabled(if: ClientHome.isExpected("skopeo")))
        func skopeo() async throws {
            try await PackageScene.run { scene in
                let registry = try #require(try scene.origins.url("oci").split(separator: "/").last)
                let isFixed = { (asked: PackageOrigins.Asked) in asked.target.contains("sha256:") }
                try await scene.installThrice(from: ["oci", "tokens", "cdn"], isImmutable: isFixed) { home in
                    let registries = try home.write(try scene.lines(for: "podman, skopeo", of: "images"), to: "registries.conf")
                    try await home.run(
                        "skopeo",
                        [
                            "--insecure-policy", "--registries-conf", registries, "--registries.d", home.path, "copy",
                            "docker://\(registry)/library/mirror:latest", "dir:image",
                        ])
                    // The manifest, the version of the format, the configuration and the layer.
                    let layer = try home.files(in: "image", suffix: "").filter { $0.count == 64 }
                    #expect(layer.count == 2)
                    try #require(try home.text("image/manifest.json").contains("application/vnd.oci.image.manifest.v1+json"))
                }
            }
        }

        // MARK: Models

        private static let snapshot = """
            import hashlib, os, sys
            from huggingface_hub import snapshot_download
            folder = snapshot_download("mirror/tiny", local_dir="model")
            print(hashlib.sha256(open(os.path.join(folder, "weights.bin"), "rb").read()).hexdigest())
            print(open(os.path.join(folder, "config.json")).read())
            """

        @Test(
            "huggingface_hub downloads a snapshot with a file of 50 MB, twice and without the hub",
            .enabled(if: ClientHome.isExpected("hf")))
        func huggingFace() async throws {
            try await PackageScene.run { scene in
                let variables = try scene.variables(for: "huggingface_hub", of: "hub")
                try await scene.installThrice(from: ["hub", "cdn"], isImmutable: { $0.host == "cdn" }) { home in
                    let program = try home.write(Self.snapshot, to: "snapshot.py")
                    // The interpreter that the client is installed for.
                    let output = try await home.run("sh", ["-ec", "$(dirname $(command -v hf))/python \(program)"], environment: variables)
                    let lines = output.split(separator: "\n")
                    let config = try #require(lines.last)
                    #expect(config == #"{"model_type": "tiny", "revision": 0}"#, "\(output)")
                    #expect(try home.read("model/weights.bin").count == 50_000_000)
                    #expect(lines.contains("d2f8730f9b4496d763e96ed425dfe7f1931a36c83131570cc9d26bb767bdd8e7"))
                }
            }
        }

        @Test(
            "huggingface_hub downloads what only its user may read, which is asked of the hub each time, and is not for others",
            .enabled(if: ClientHome.isExpected("hf")))
        func huggingFaceToken() async throws {
            try await PackageScene.run { scene in
                var variables = try scene.variables(for: "huggingface_hub", of: "gated")
                for token in [nil, "hf_test", "hf_test", "hf_other"] as [String?] {
                    variables["HF_TOKEN"] = token
                    let before = try await scene.origins.asked(["gated"])
                    let home = try ClientHome()
                    let program = try home.write(Self.snapshot, to: "snapshot.py")
                    let (exit, output) = try await home.start(
                        "sh", ["-ec", "$(dirname $(command -v hf))/python \(program)"], environment: variables)
                    let asked = try await scene.origins.asked(["gated"], after: before)
                    #expect(asked.allSatisfy { $0.userAgent.hasPrefix("cloud-mirror/") })
                    guard token == "hf_test" else {
                        #expect(exit == .code(1), "\(output.suffix(2_000))")
                        #expect(!asked.isEmpty && asked.allSatisfy { $0.status == 401 }, "\(asked)")
                        continue
                    }
                    try #require(exit == .code(0), "\(output.suffix(4_000))")
                    #expect(try home.read("model/weights.bin").count == 200_000)
                    for name in ["config.json", "weights.bin"] {
                        #expect(asked.contains { $0.method == "GET" && $0.path.hasSuffix("/\(name)") }, "\(asked)")
                    }
                }
                #expect(try scene.mirror.objects().isEmpty)
            }
        }

        // MARK: Those that take long to install

        @Test("Nix fetches a path, twice and without the cache", .enabled(if: ClientHome.hasAllClients))
        func nix() async throws {
            try await PackageScene.run { scene in
                let path = try await HTTP.send(.GET, "\(try scene.origins.url("nix"))/path").text
                try await scene.installThrice(from: ["nix"], isImmutable: { $0.path.hasPrefix("/nar/") }) { home in
                    let settings = try scene.lines(for: "nix", of: "nix") + "\nrequire-sigs = false\nsandbox = false\nbuild-users-group =\n"
                    try home.write(settings, to: "etc/nix.conf")
                    let variables = [
                        "NIX_CONF_DIR": "\(home.path)/etc", "NIX_STATE_DIR": "\(home.path)/state", "NIX_LOG_DIR": "\(home.path)/log",
                    ]
                    try await home.run("nix-store", ["--store", "local?root=\(home.path)/root", "--realise", path], environment: variables)
                    #expect(try home.read("root\(path)").count == 50_000)
                }
            }
        }

        @Test(
            "Bazel fetches an archive that its downloader's rules send to the mirror, twice and without the origin",
            .enabled(if: ClientHome.hasAllClients))
        func bazel() async throws {
            try await PackageScene.run { scene in
                let url = "\(try scene.origins.url("github"))/mirror/tool/releases/download/v1/tool.tar.gz"
                let asset = try #require(try await HTTP.send(.GET, url).location)
                // Without it, Bazel takes nothing that comes without TLS.
                let sha256 = Hex.encode(SHA256.hash(data: try await HTTP.send(.GET, asset).body))
                try await scene.installThrice(from: ["github", "cdn"], isImmutable: { _ in true }, hasPages: false) { home in
                    try home.write(try scene.lines(for: "bazel", of: "github"), to: "work/downloader.cfg")
                    let rule = """
                        load("@bazel_tools//tools/build_defs/repo:http.bzl", "http_archive")
                        http_archive(name = "tool", urls = ["\(url)"], sha256 = "\(sha256)", strip_prefix = "tool")

                        """
                    try home.write(rule, to: "work/WORKSPACE")
                    try await home.run(
                        "sh",
                        [
                            "-ec",
                            "cd work && bazel --batch --output_user_root=\(home.path)/bazel fetch --experimental_downloader_config=downloader.cfg @tool//:data.bin && cp $(readlink -f $(bazel --batch --output_user_root=\(home.path)/bazel info output_base))/external/tool/data.bin data.bin",
                        ])
                    #expect(try home.read("work/data.bin").count == 100_000)
                }
            }
        }

        @Test("A conda client finds and downloads packages of a channel, twice and without it", .enabled(if: ClientHome.isExpected("hf")))
        func conda() async throws {
            try await PackageScene.run { scene in
                let alias = try #require(try scene.lines(for: "conda", of: "conda").split(separator: "\n").first).split(separator: " ")[1]
                try await scene.installThrice(from: ["conda"], isImmutable: { $0.path.hasSuffix(".tar.bz2") }) { home in
                    let program = try home.write(Self.install, to: "install.py")
                    try await home.run("sh", ["-ec", "$(dirname $(command -v hf))/python \(program) \(alias)/channel"])
                    #expect(try home.read("prefix/share/mirror-leaf.bin").count == 10_000)
                }
            }
        }

        private static let install = """
            import asyncio, os, sys
            from rattler import Channel, VirtualPackage, install, solve
            async def main():
                records = await solve([Channel(sys.argv[1])], ["mirror-app"], platforms=["linux-64", "noarch"])
                await install(records, target_prefix="prefix", cache_dir="cache")
            asyncio.run(main())
            # Without the interpreter's orderly end: threads of rattler that finish meanwhile abort it now and then.
            os._exit(0)
            """
    }
}
