import Foundation
import MirrorCore
import MirrorNet
import MirrorStorage
import MirrorTesting
import NIOCore
import NIOHTTP1

/// The executable of this package, which the build leaves beside the tests.
enum WebDAVMirror {
    struct NoExecutable: Error, CustomStringConvertible {
        let path: String
        var description: String { "there is no executable at \(path): build the package, not only its tests" }
    }

    static func executable() throws -> String {
        let folder = Bundle.main.executableURL?.deletingLastPathComponent().path ?? "."
        let path = ProcessInfo.processInfo.environment["WEBDAV_MIRROR_EXECUTABLE"] ?? "\(folder)/webdav-mirror"
        guard FileManager.default.isExecutableFile(atPath: path) else { throw NoExecutable(path: path) }
        return path
    }

    /// What a command says.
    struct Said {
        var status: Int32
        var output: String
        /// Standard error.
        var errors: String
    }

    /// Runs a command to its end.
    static func run(_ arguments: [String], in directory: TestDirectory) async throws -> Said {
        let program = try TestProgram("command", executable(), arguments, in: directory)
        let status = try await program.exit()
        return Said(status: status, output: program.output, errors: program.errors)
    }

    /// Serves with a configuration file, runs `body` with the mirror's URL, and ends it whatever happens.
    static func serve(_ file: String, in directory: TestDirectory, _ body: (String) async throws -> Void) async throws {
        let program = try TestProgram("mirror", executable(), ["serve", "--config", file, "--print-ready"], in: directory)
        do {
            let url = try await eventually("the mirror is ready") { () async throws -> String? in
                if !program.isRunning { throw Ended(errors: program.errors) }
                return program.output.split(separator: "\n").first { $0.hasPrefix("ready ") }.map { String($0.dropFirst("ready ".count)) }
            }
            try await body(url)
            try await program.end()
        } catch {
            _ = try? await program.end()
            throw Failed(cause: error, errors: program.errors)
        }
    }

    struct Ended: Error {
        let errors: String
    }

    /// What failed while a mirror ran, with the end of what it logged.
    struct Failed: Error, CustomStringConvertible {
        let cause: any Error
        let errors: String
        var description: String { "\(cause); the mirror's log ends with:\n\(errors.suffix(4_000))" }
    }
}

/// Answers to GET, which are not followed.
struct Client: Sendable {
    struct Answer: Sendable {
        var status: Int
        var headers: HTTPHeaders
        var body: ByteBuffer

        var location: String? { headers.first(name: "location") }
    }

    private let http = ServiceEnvironment.testing().makeClient()

    func get(_ text: String) async throws -> Answer {
        let url = try ArtifactURL(text)
        let request = ServiceRequest(
            scheme: url.scheme, host: url.host, port: url.port, target: url.path + (url.query.map { "?\($0)" } ?? ""))
        let (status, headers, body) = try await http.collect(request, upTo: 64 << 20)
        return Answer(status: status, headers: headers, body: body)
    }
}
