import Foundation
import Testing

/// What `make test` gives the tests of this target. They fail without it: a test that was not run must not look like one that passed.
enum TestEnvironment {
    /// Path of the executable under test.
    static func executable() throws -> String {
        let path = try value("CLOUD_MIRROR_EXECUTABLE")
        try #require(FileManager.default.isExecutableFile(atPath: path), "there is no executable at \(path); use `make test`")
        return path
    }

    /// `http://127.0.0.1:PORT` of httpbin.
    static func httpbin() throws -> String {
        try value("CLOUD_MIRROR_TEST_HTTPBIN")
    }

    private static func value(_ name: String) throws -> String {
        let value = ProcessInfo.processInfo.environment[name] ?? ""
        try #require(!value.isEmpty, "\(name) is not set; run these tests with `make test`, which sets it")
        return value
    }
}
