import CloudMirror
import MirrorCore
import MirrorEngine
import StorageLocal

@testable import MirrorNode
@testable import MirrorSettings

extension SettingsEnvironment {
    /// A machine with nothing but what is given.
    static func fake(
        variables: [String: String] = [:], files: [String: String] = [:], worldReadable: Set<String> = []
    ) -> SettingsEnvironment {
        SettingsEnvironment(
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
        _ text: String, stateDirectory: String? = nil, _ environment: SettingsEnvironment = .fake()
    ) throws(ConfigurationError) -> Configuration {
        try parse(
            Array(text.utf8), file: "mirror.yaml", services: .standard, stateDirectory: stateDirectory, environment: environment)
    }

    /// The problems of a file, one a line.
    static func problems(of text: String, _ environment: SettingsEnvironment = .fake()) -> [String] {
        do {
            _ = try reading(text, environment)
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }
}

extension StorageServices {
    static let standard = StorageServices(.standard)
}

extension Configuration.Pool {
    /// A pool in a directory.
    init(id: PoolID, directory: String, retention: RetentionConfiguration = .init()) {
        self.init(id: id, LocalPoolSettings(directory: directory), of: LocalService.self, retention: retention)
    }

    /// The same pool in another directory.
    mutating func move(to directory: String) {
        self = Configuration.Pool(id: id, directory: directory, retention: retention)
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
    MIIBdTCCARugAwIBAgIUDPTIwCUOZb+P+bRUCX8Yd5RAuv0wCgYIKoZIzj0EAwIw
    DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjgwNzA2NDdaGA8yMTI2MTEwNDA3MDY0
    N1owDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABHF+
    5ouB8nfil0+WHeNk2i6oyBj6kPb8t2yuL/OnBF9FYVwBgPldc1iDMvJw04mf6u2t
    77qbkRMGDxSiEggEdN2jUzBRMB0GA1UdDgQWBBTW3MQTTx1rYF4E9ktnnK+3GQqM
    6DAfBgNVHSMEGDAWgBTW3MQTTx1rYF4E9ktnnK+3GQqM6DAPBgNVHRMBAf8EBTAD
    AQH/MAoGCCqGSM49BAMCA0gAMEUCICchRm4twjjEqX/LVOIEJ906phh9kjbLzvKO
    N89dNIuJAiEA1NKwyb6YZKO25LLLHzTCzV7o5pBRreNtGz9v+l+1+Cg=
    -----END CERTIFICATE-----
    """

/// The certificate's key.
let sampleKey = """
    -----BEGIN PRIVATE KEY-----
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgusH/JF/m9awQ2qfV
    aS0RcYo7fJ2nJSCXTRvZdDtnapuhRANCAARxfuaLgfJ34pdPlh3jZNouqMgY+pD2
    /Ldsri/zpwRfRWFcAYD5XXNYgzLycNOJn+rtre+6m5ETBg8UohIIBHTd
    -----END PRIVATE KEY-----
    """
