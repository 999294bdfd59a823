@testable import CloudMirror

extension ConfigurationEnvironment {
    /// A machine with nothing but what is given.
    static func fake(
        variables: [String: String] = [:], files: [String: String] = [:], worldReadable: Set<String> = []
    ) -> ConfigurationEnvironment {
        ConfigurationEnvironment(
            variable: { variables[$0] },
            read: { (path, limit) throws(FileProblem) in
                guard let text = files[path] else { throw FileProblem("No such file or directory") }
                guard text.utf8.count <= limit else { throw FileProblem("it is larger than \(limit)B") }
                return File(bytes: Array(text.utf8), isWorldReadable: worldReadable.contains(path))
            },
            currentDirectory: "/here")
    }
}

extension Configuration {
    /// Reads `text` as the file `mirror.yaml`.
    static func reading(
        _ text: String, stateDirectory: String? = nil, _ environment: ConfigurationEnvironment = .fake()
    ) throws(ConfigurationError) -> Configuration {
        try parse(Array(text.utf8), file: "mirror.yaml", stateDirectory: stateDirectory, environment: environment)
    }

    /// The problems of a file, one a line.
    static func problems(of text: String, _ environment: ConfigurationEnvironment = .fake()) -> [String] {
        do {
            _ = try reading(text, environment)
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }
}

/// The least that a file must say, to put other keys behind.
let minimalFile = """
    origins: {allow: [https://artifacts.example.org/]}
    pools: {local/dev: {directory: /pool}}

    """

/// A certificate of nobody's, in force until 2126.
let sampleCertificate = """
    -----BEGIN CERTIFICATE-----
    MIIBiDCCAS+gAwIBAgIURWTzoD3+A3QayY7qa9kSpHiXguYwCgYIKoZIzj0EAwIw
    GTEXMBUGA1UEAwwOdGVzdCBhdXRob3JpdHkwIBcNMjYxMTIzMDQzNDAyWhgPMjEy
    NjEwMzAwNDM0MDJaMBkxFzAVBgNVBAMMDnRlc3QgYXV0aG9yaXR5MFkwEwYHKoZI
    zj0CAQYIKoZIzj0DAQcDQgAEavSmGANPrD0iZQYKU8vAdT1C1OYhNDGdC7XoH//l
    zQluAy1bppYBHKBjqeEhyt1sRByD66JAVMetCx8qM431WKNTMFEwHQYDVR0OBBYE
    FEqDnJ66M3F9+bgKd4MJ8hzGgMvsMB8GA1UdIwQYMBaAFEqDnJ66M3F9+bgKd4MJ
    8hzGgMvsMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgD3DfNF7n
    OQVlwoAuegkwzxREZl9fr0//lkWOjL9GFiICIA/npaBceZe8/8YqSpdBCVS350M/
    mFvLk3DhEYdHPxP4
    -----END CERTIFICATE-----
    """
