import Foundation
import TestServers
import Testing

extension EndToEnd {
    /// Clients of packages for programming languages, each with the lines that the mirror tells it.
    @Suite(.timeLimit(.minutes(3)))
    struct LanguageClientTests {
        // MARK: pip and uv

        /// `mirror-app` needs three other projects, whose links are of three kinds.
        private static let projects = ["mirror_app", "mirror_base", "mirror_left", "mirror_right"]

        private static func checkInstalled(_ home: ClientHome) throws {
            for project in projects { #expect(try home.text("site/\(project)/__init__.py") == "VERSION = \"1.0\"\n") }
        }

        private static func isWheel(_ asked: PackageOrigins.Asked) -> Bool { asked.path.contains(".whl") }

        @Test(
            "pip installs a project with three dependencies, twice and without the index", .enabled(if: ClientHome.isExpected("pip")))
        func pip() async throws {
            try await PackageScene.run { scene in
                try await scene.installThrice(from: ["python", "files"], isImmutable: Self.isWheel) { home in
                    try home.write(try scene.lines(for: "pip", of: "pip"), to: ".config/pip/pip.conf")
                    try await home.run("pip", ["install", "--disable-pip-version-check", "--target", "site", "mirror-app"])
                    try Self.checkInstalled(home)
                }
            }
        }

        @Test(
            "pip refuses a file whose digest is not what the index states, and reads ranges of wheels where it is told to",
            .enabled(if: ClientHome.isExpected("pip")))
        func pipChecks() async throws {
            try await PackageScene.run { scene in
                let home = try ClientHome()
                try home.write(try scene.lines(for: "pip", of: "pip"), to: ".config/pip/pip.conf")
                let install = ["install", "--disable-pip-version-check", "--target", "site"]
                let (exit, output) = try await home.start("pip", install + ["mirror-wrong"])
                #expect(exit != .code(0))
                #expect(output.lowercased().contains("hash"), "\(output.suffix(1_000))")
                // It asks for the wheel by HEAD, and takes only 200 for an answer.
                try await home.run("pip", install + ["--use-feature=fast-deps", "mirror-plain"])
                #expect(try home.read("site/mirror_plain/data.bin").count == 2_000_000)
                // With another digest than the link states, a client is left to the origin.
                let asked = try await scene.origins.asked(["python", "files"]).filter { !$0.path.contains("mirror_wrong") }
                #expect(!asked.isEmpty)
                #expect(asked.allSatisfy { $0.userAgent.hasPrefix("cloud-mirror/") })
            }
        }

        @Test("pip sees a new version as soon as the page of its project is revalidated", .enabled(if: ClientHome.isExpected("pip")))
        func pipRelease() async throws {
            try await PackageScene.run { scene in
                for (version, isNew) in [("1.0", false), ("2.0", true)] {
                    if isNew { try await scene.origins.change("python", "release", ["project": "mirror-base", "version": version]) }
                    let home = try ClientHome()
                    try home.write(try scene.lines(for: "pip", of: "pip"), to: ".config/pip/pip.conf")
                    try await home.run("pip", ["install", "--disable-pip-version-check", "--target", "site", "mirror-base"])
                    #expect(try home.text("site/mirror_base/__init__.py") == "VERSION = \"\(version)\"\n")
                }
            }
        }

        @Test("uv installs a project with three dependencies, twice and without the index", .enabled(if: ClientHome.isExpected("uv")))
        func uv() async throws {
            try await PackageScene.run { scene in
                try await scene.installThrice(from: ["python", "files"], isImmutable: Self.isWheel) { home in
                    try home.write(try scene.lines(for: "uv", of: "pip"), to: ".config/uv/uv.toml")
                    try await home.run("uv", ["pip", "install", "--no-python-downloads", "--target", "site", "mirror-app"])
                    try Self.checkInstalled(home)
                }
            }
        }

        @Test(
            "uv reads the metadata of a wheel that the index says nothing about in ranges, and downloads it once",
            .enabled(if: ClientHome.isExpected("uv")))
        func uvRanges() async throws {
            try await PackageScene.run { scene in
                try await scene.installThrice(from: ["python", "files"], isImmutable: Self.isWheel) { home in
                    try home.write(try scene.lines(for: "uv", of: "pip"), to: ".config/uv/uv.toml")
                    let output = try await home.run(
                        "uv", ["pip", "install", "--verbose", "--no-python-downloads", "--target", "site", "mirror-plain"])
                    #expect(try home.read("site/mirror_plain/data.bin").count == 2_000_000)
                    #expect(!output.contains("Range requests not supported"), "\(output)")
                }
            }
        }

        // MARK: npm

        @Test(
            "npm installs a package and the one that it needs, which has a scope, twice and without the registry",
            .enabled(if: ClientHome.isExpected("npm")))
        func npm() async throws {
            try await PackageScene.run { scene in
                try await scene.installThrice(from: ["npm"], isImmutable: { $0.path.hasSuffix(".tgz") }) { home in
                    try home.write(try scene.lines(for: "npm", of: "npm"), to: ".npmrc")
                    try home.write(#"{"name": "app", "version": "1.0.0", "dependencies": {"left-mirror": "1"}}"#, to: "app/package.json")
                    try await home.run("npm", ["install", "--prefix", "app", "--no-update-notifier", "--no-audit", "--no-fund"])
                    #expect(try home.text("app/node_modules/left-mirror/index.js") == "module.exports = \"1.0.0\";\n")
                    #expect(try home.text("app/node_modules/@mirror/scoped/index.js") == "module.exports = \"1.0.0\";\n")
                }
            }
        }

        @Test("npm's audit reaches the registry through the mirror", .enabled(if: ClientHome.isExpected("npm")))
        func npmAudit() async throws {
            try await PackageScene.run { scene in
                let home = try ClientHome()
                try home.write(try scene.lines(for: "npm", of: "npm"), to: ".npmrc")
                try home.write(#"{"name": "app", "version": "1.0.0", "dependencies": {"left-mirror": "1"}}"#, to: "app/package.json")
                try await home.run("npm", ["install", "--prefix", "app", "--no-update-notifier", "--no-fund"])
                #expect(
                    try await home.run("npm", ["audit", "--prefix", "app", "--no-update-notifier"]).contains("found 0 vulnerabilities"))
                #expect(try await scene.origins.asked(["npm"]).contains { $0.method == "POST" && $0.status == 200 })
            }
        }

        @Test("bun installs what npm does, twice and without the registry", .enabled(if: ClientHome.isExpected("bun")))
        func bun() async throws {
            try await installs(by: "bun", "bunfig.toml", ["install", "--no-progress"])
        }

        @Test("yarn 1 installs what npm does, twice and without the registry", .enabled(if: ClientHome.hasAllClients))
        func yarn() async throws {
            // Debian's own Node looks there without being told.
            try await installs(by: "yarnpkg", ".npmrc", ["install", "--non-interactive"], environment: ["NODE_PATH": "/usr/share/nodejs"])
        }

        /// - Parameter file: Where the client reads the registry's URL, beside `package.json`.
        private func installs(
            by client: String, _ file: String, _ arguments: [String], environment: [String: String] = [:]
        ) async throws {
            try await PackageScene.run { scene in
                try await scene.installThrice(from: ["npm"], isImmutable: { $0.path.hasSuffix(".tgz") }) { home in
                    try home.write(try scene.lines(for: client == "bun" ? client : "npm", of: "npm"), to: "app/\(file)")
                    try home.write(#"{"name": "app", "version": "1.0.0", "dependencies": {"left-mirror": "1"}}"#, to: "app/package.json")
                    try await home.run("sh", ["-ec", "cd app && exec \"$@\"", "sh", client] + arguments, environment: environment)
                    #expect(try home.text("app/node_modules/left-mirror/index.js") == "module.exports = \"1.0.0\";\n")
                    #expect(try home.text("app/node_modules/@mirror/scoped/index.js") == "module.exports = \"1.0.0\";\n")
                }
            }
        }

        // MARK: cargo and go

        @Test("cargo builds a program with two crates, twice and without the index", .enabled(if: ClientHome.isExpected("cargo")))
        func cargo() async throws {
            try await PackageScene.run { scene in
                try await scene.installThrice(from: ["cargo", "files"], isImmutable: { $0.path.hasSuffix("/download") }) { home in
                    try home.write(try scene.lines(for: "cargo", of: "crates"), to: ".cargo/config.toml")
                    let manifest =
                        "[package]\nname = \"app\"\nversion = \"1.0.0\"\nedition = \"2021\"\n[dependencies]\nmirror-branch = \"1\"\n"
                    try home.write(manifest, to: "app/Cargo.toml")
                    try home.write("fn main() { println!(\"{}\", mirror_branch::number()); }\n", to: "app/src/main.rs")
                    let output = try await home.run("cargo", ["run", "--manifest-path", "app/Cargo.toml"])
                    #expect(output.hasSuffix("\n42\n"), "\(output)")
                }
            }
        }

        @Test("go builds a package with two modules, twice and without the proxy", .enabled(if: ClientHome.isExpected("go")))
        func go() async throws {
            let isVersion = { (asked: PackageOrigins.Asked) in asked.path.contains("/@v/v1.0.0.") }
            try await PackageScene.run { scene in
                try await scene.installThrice(from: ["go"], isImmutable: isVersion) { home in
                    // These modules are in no public database of checksums.
                    let variables = ["GOSUMDB": "off", "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local", "GOTELEMETRY": "off"]
                    try await home.run("sh", ["-ec", try scene.lines(for: "go", of: "go")], environment: variables)
                    try home.write("module example.test/app\n\ngo 1.20\n", to: "app/go.mod")
                    try home.write("package app\n\nimport \"example.test/branch\"\n\nvar Number = branch.Number()\n", to: "app/app.go")
                    try await home.run("sh", ["-ec", "cd app && go get example.test/branch@latest && go build"], environment: variables)
                    #expect(try home.text("app/go.sum").split(separator: "\n").count == 4)
                    // Modules are written without the right to change them, which would keep them from being removed.
                    try await home.run("go", ["clean", "-modcache"], environment: variables)
                }
            }
        }

        @Test(
            "go asks the next proxy for a module that the mirror's origin does not have", .enabled(if: ClientHome.isExpected("go")))
        func goMissing() async throws {
            try await PackageScene.run { scene in
                let home = try ClientHome()
                let proxies = try #require(try scene.lines(for: "go", of: "go").split(separator: "=").last)
                let (exit, output) = try await home.start(
                    "go", ["list", "-m", "example.test/none@v1.0.0"],
                    environment: ["GOPROXY": String(proxies).replacing(",direct", with: ",off"), "GOSUMDB": "off", "GOTOOLCHAIN": "local"])
                #expect(exit == .code(1))
                // What comes behind the comma: it is only asked after 404 and 410.
                #expect(output.contains("module lookup disabled by GOPROXY=off"), "\(output)")
            }
        }

        // MARK: Maven

        @Test(
            "Maven resolves a parent whose version is a range, and an extension, twice and without the repository",
            .enabled(if: ClientHome.isExpected("mvn")))
        func maven() async throws {
            let isVersion = { (asked: PackageOrigins.Asked) in asked.path.contains("/1.0/") }
            try await PackageScene.run { scene in
                try await scene.installThrice(from: ["maven"], isImmutable: isVersion) { home in
                    try home.write(try scene.lines(for: "maven", of: "central"), to: ".m2/settings.xml")
                    try home.write(Self.pom, to: "app/pom.xml")
                    // Java asks the system for the home directory.
                    try await home.run(
                        "mvn", ["-B", "-f", "app/pom.xml", "-C", "validate"], environment: ["MAVEN_OPTS": "-Duser.home=\(home.path)"])
                    #expect(try home.files(in: ".m2/repository", suffix: "leaf-1.0.jar").count == 1)
                }
            }
        }

        private static let pom = """
            <project xmlns="http://maven.apache.org/POM/4.0.0">
              <modelVersion>4.0.0</modelVersion>
              <parent><groupId>org.example.mirror</groupId><artifactId>parent</artifactId><version>[1.0,2.0)</version></parent>
              <artifactId>app</artifactId>
              <version>1.0</version>
              <packaging>pom</packaging>
              <build><extensions><extension>
                <groupId>org.example.mirror</groupId><artifactId>leaf</artifactId><version>1.0</version>
              </extension></extensions></build>
            </project>

            """
    }
}
