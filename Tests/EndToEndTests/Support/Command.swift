import Foundation
import TestServers

/// A run of the executable that ends by itself.
enum Command {
    struct Result {
        let exit: ChildProcess.Exit
        let output: String
        /// Standard error.
        let errors: String

        /// Standard output, read as JSON.
        func json<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
            try JSONDecoder().decode(type, from: Data(output.utf8))
        }
    }

    static func run(_ arguments: [String], environment: [String: String] = [:]) async throws -> Result {
        let directory = try TemporaryDirectory()
        let process = try await ChildProcess.start(
            try TestEnvironment.executable(), arguments, environment: environment, errorFile: "\(directory.path)/stderr.log")
        let (exit, output) = try await process.end()
        return Result(exit: exit, output: output, errors: String(decoding: try directory.read("stderr.log"), as: UTF8.self))
    }
}
