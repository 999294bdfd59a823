@testable import CloudMirror

extension FuzzTarget {
    private static let environment = ConfigurationEnvironment(
        variable: { $0 == "NAME" ? "value" : nil },
        read: { (_, _) throws(ConfigurationEnvironment.FileProblem) in
            throw ConfigurationEnvironment.FileProblem("No such file or directory")
        },
        currentDirectory: "/here")

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
            _ = try Configuration.parse(bytes, file: "fuzz.yaml", environment: environment)
        }
    ]
}
