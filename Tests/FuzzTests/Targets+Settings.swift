import CloudMirror

@testable import MirrorNode
@testable import MirrorSettings

extension FuzzTarget {
    private static let environment = SettingsEnvironment(
        variable: { $0 == "NAME" ? "value" : nil },
        read: { (_, _) throws(SettingsEnvironment.FileProblem) in
            throw SettingsEnvironment.FileProblem("No such file or directory")
        },
        currentDirectory: "/here")

    private static let services = StorageServices(.standard)

    static let settings: [FuzzTarget] = [
        FuzzTarget(
            "settings",
            seeds: [
                "origins: {allow: [https://artifacts.example.org/]}\npools: {local/dev: {directory: /pool}}\n",
                "listen: 127.0.0.1:8080\norigins:\n  allow:\n    - pattern: '^https://a\\.example/'\npools:\n  local/dev:\n    directory: /pool\n    retention: {timeToLive: 24h, maxBytes: 5GiB}\n",
            ],
            words: [
                "\n", ": ", "- ", "[", "]", "{", "}", "&a ", "*a", "${NAME}", "${", "'", "\"", "|", ">", "? ", "!!map ", "---\n", "\t",
                "\u{FEFF}",
                "~", "<<: ", "\"\\uD800\"", "#", "local/dev", "s3/eu-west-1", "24h", "5GiB", "listen", "pools",
            ]
        ) { bytes in
            _ = try Configuration.parse(bytes, file: "fuzz.yaml", services: services, environment: environment)
        }
    ]
}
