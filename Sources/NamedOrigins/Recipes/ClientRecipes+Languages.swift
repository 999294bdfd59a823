import MirrorCore

/// Packages of programming languages.
extension ClientRecipes {
    static func python(_ place: RecipePlace) -> [ClientsCall.Recipe] {
        // pip accepts an index without TLS only on this machine.
        let trust = place.isPlainHTTP && !place.isLoopback ? "\ntrusted-host = \(place.host)" : ""
        return [
            ClientsCall.Recipe(client: "pip", place: "pip.conf", lines: "[global]\nindex-url = \(place.url)/simple/\(trust)"),
            ClientsCall.Recipe(client: "uv", place: "uv.toml", lines: "[[index]]\nurl = \"\(place.url)/simple/\"\ndefault = true"),
        ]
    }

    static func npm(_ place: RecipePlace) -> [ClientsCall.Recipe] {
        [
            ClientsCall.Recipe(client: "npm, pnpm, yarn 1", place: ".npmrc", lines: "registry=\(place.url)/"),
            ClientsCall.Recipe(
                client: "yarn 2 and later", place: ".yarnrc.yml",
                lines: "npmRegistryServer: \"\(place.url)\"" + (place.isPlainHTTP ? "\nunsafeHttpWhitelist: [\"\(place.host)\"]" : "")),
            ClientsCall.Recipe(client: "bun", place: "bunfig.toml", lines: "[install]\nregistry = \"\(place.url)/\""),
        ]
    }

    static func cargo(_ place: RecipePlace) -> [ClientsCall.Recipe] {
        let lines = """
            [source.crates-io]
            replace-with = "\(place.name)-mirror"

            [source.\(place.name)-mirror]
            registry = "sparse+\(place.url)/"
            """
        return [ClientsCall.Recipe(client: "cargo", place: ".cargo/config.toml", lines: lines)]
    }

    static func go(_ place: RecipePlace) -> [ClientsCall.Recipe] {
        // After the comma: where to look for a module that the mirror does not have.
        [ClientsCall.Recipe(client: "go", place: "shell", lines: "go env -w GOPROXY=\(place.url),direct")]
    }

    static func maven(_ place: RecipePlace) -> [ClientsCall.Recipe] {
        // Of other repositories, only projects know the ids. In place of Central they would break every build.
        let isCentral = ["repo.maven.apache.org", "repo1.maven.org"].contains(place.origin.host)
        let comment = isCentral || place.name == "central" ? "" : " <!-- the id that the repository has in your projects -->"
        let settings = """
            <settings>
              <mirrors>
                <mirror>
                  <id>\(place.name)</id>
                  <mirrorOf>\(isCentral ? "central" : place.name)</mirrorOf>\(comment)
                  <url>\(place.url)/</url>
                </mirror>
              </mirrors>
            </settings>
            """
        let insecure = place.isPlainHTTP ? "\n            allowInsecureProtocol = true" : ""
        let script = """
            allprojects {
                repositories {
                    maven {
                        url = "\(place.url)/"\(insecure)
                    }
                }
            }
            """
        return [
            ClientsCall.Recipe(client: "maven", place: ".m2/settings.xml", lines: settings),
            ClientsCall.Recipe(client: "gradle", place: ".gradle/init.gradle", lines: script),
        ]
    }
}
