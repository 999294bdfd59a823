import Foundation
import TestServers
import Testing

/// An account of its own for a client: an environment with nothing in it, and a home directory with what a test writes.
struct ClientHome {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    var path: String { directory.path }

    /// Whether tests of clients run that take long to install, as `make test-clients` does.
    static var hasAllClients: Bool { environment["CLOUD_MIRROR_TEST_ALL_CLIENTS"] == "1" }

    /// Whether a program is there. Where one is missed, its tests run too, and fail.
    static func isExpected(_ program: String) -> Bool {
        environment["CI"] == "true" || searchPath.split(separator: ":").contains { isExecutable("\($0)/\(program)") }
    }

    /// Writes a file, with the folders that it is in.
    ///
    /// - Returns: Its path.
    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        let url = URL(filePath: "\(path)/\(name)")
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
        return url.path
    }

    func read(_ name: String) throws -> Data { try Data(contentsOf: URL(filePath: "\(path)/\(name)")) }

    func text(_ name: String) throws -> String { String(decoding: try read(name), as: UTF8.self) }

    /// Paths below a folder that end in some way.
    func files(in folder: String = "", suffix: String) throws -> [String] {
        try directory.contents(folder).filter { $0.hasSuffix(suffix) }
    }

    /// Runs a program in the home directory, which has to succeed.
    ///
    /// - Parameter environment: All that there is beside `HOME` and `PATH`.
    /// - Returns: Standard output and standard error in one.
    @discardableResult
    func run(_ program: String, _ arguments: [String], environment: [String: String] = [:]) async throws -> String {
        let (exit, output) = try await start(program, arguments, environment: environment)
        try #require(exit == .code(0), "\(program) \(arguments.joined(separator: " ")): \(exit)\n\(output.suffix(4_000))")
        return output
    }

    /// Runs it whatever comes of it.
    func start(
        _ program: String, _ arguments: [String], environment: [String: String] = [:]
    ) async throws -> (exit: ChildProcess.Exit, output: String) {
        var variables = ["PATH": Self.searchPath, "HOME": path, "LC_ALL": "C.UTF-8"]
        // A toolchain that another account installed: without it the program is none.
        variables["RUSTUP_HOME"] = Self.environment["RUSTUP_HOME"] ?? Self.environment["HOME"].map { "\($0)/.rustup" }
        variables.merge(environment) { $1 }
        let settings = variables.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        return try await ChildProcess.start("env", ["-i", "-C", path] + settings + [program] + arguments).end()
    }

    private static let environment = ProcessInfo.processInfo.environment

    /// First the clients that `make test` installed for its tests.
    private static var searchPath: String {
        [environment["CLOUD_MIRROR_TEST_CLIENTS"], environment["PATH"] ?? "/usr/bin:/bin"].compactMap(\.self).joined(separator: ":")
    }

    private static func isExecutable(_ path: String) -> Bool { FileManager.default.isExecutableFile(atPath: path) }
}
