import Foundation
import MirrorCore
import TestServers
import Testing

/// Registries and package repositories of a test's own, which behave like the public ones: `scripts/cloud-servers/package-servers.py`.
final class PackageOrigins: Sendable {
    /// A request as an origin saw it.
    struct Asked: Equatable, CustomStringConvertible {
        /// A name of `packages/world.py`.
        let host: String
        let method: String
        /// Path and query.
        let target: String
        let status: Int
        let userAgent: String

        var path: Substring { target.prefix { $0 != "?" } }
        var description: String { "\(host): \(method) \(target) \(status)" }
    }

    /// Of each host, without a slash at the end.
    let urls: [String: String]
    private let process: ChildProcess
    private let directory: TemporaryDirectory

    private init(urls: [String: String], process: ChildProcess, directory: TemporaryDirectory) {
        self.urls = urls
        self.process = process
        self.directory = directory
    }

    static func start() async throws -> PackageOrigins {
        let directory = try TemporaryDirectory()
        let program = URL(filePath: #filePath).appending(path: "../../../../scripts/cloud-servers/package-servers.py").standardized.path
        let process = try await ChildProcess.start(
            "python3", ["-B", program, "\(directory.path)/origins"], errorFile: "\(directory.path)/stderr.log")
        let line = try await process.line { $0.hasPrefix("listening on ") }
        let ports = line.dropFirst("listening on ".count).split(separator: " ").map { $0.split(separator: "=").map(String.init) }
        let urls = Dictionary(uniqueKeysWithValues: ports.map { ($0[0], "http://127.0.0.1:\($0[1])") })
        return PackageOrigins(urls: urls, process: process, directory: directory)
    }

    func url(_ host: String) throws -> String { try #require(urls[host], "a host called \(host)") }

    /// Everything that was asked of some hosts so far.
    func asked(_ hosts: [String]) async throws -> [Asked] {
        var all: [Asked] = []
        for host in hosts {
            all += try await CloudControl(url(host)).requests("").map {
                Asked(host: host, method: $0.method, target: $0.target, status: $0.status, userAgent: $0.headers["user-agent"] ?? "")
            }
        }
        return all
    }

    /// What was asked of some hosts since.
    func asked(_ hosts: [String], after earlier: [Asked]) async throws -> [Asked] {
        var new: [Asked] = []
        for host in hosts { new += try await asked([host]).dropFirst(earlier.count { $0.host == host }) }
        return new
    }

    /// Changes what a host publishes, as its module says.
    func change(_ host: String, _ action: String, _ question: [String: String] = [:]) async throws {
        struct Anything: Decodable {}
        let _: Anything = try await CloudControl(url(host)).post(action, question)
    }

    /// Nothing listens at any of its ports any more.
    func stop() async throws {
        process.send(.kill)
        _ = try await process.end()
    }
}
