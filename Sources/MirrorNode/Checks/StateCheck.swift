import Logging
import MirrorState
package import MirrorStorage
import NIOPosix
import StateRedis

/// Checks the place where the state is kept, without serving from it.
package struct StateCheck: Sendable {
    /// How long a check may take; longer than a request has.
    private static let patience = Duration.seconds(3)

    private let configuration: Configuration

    package init(_ configuration: Configuration) {
        self.configuration = configuration
    }

    /// - Parameter report: Called with each line as soon as it is known.
    /// - Returns: Whether nothing is wrong; warnings do not count.
    package func run(report: (SetupLine) -> Void) async -> Bool {
        switch configuration.state {
        case .sqlite(let path):
            let findings = MachineCheck(configuration).state()
            for finding in findings { report(finding.line) }
            if findings.isEmpty { report(SetupLine(.ok, "SQLite, in \(path): opened and repaired when the service starts")) }
            return findings.allSatisfy { $0.severity == .warning }
        case .redis(let redis):
            return await check(redis, report)
        }
    }

    private func check(_ redis: Configuration.Redis, _ report: (SetupLine) -> Void) async -> Bool {
        let group = MultiThreadedEventLoopGroup.singleton
        // So that the report says why Redis cannot be reached, not that a call timed out.
        var patient = redis
        patient.timeout = max(redis.timeout, Self.patience)
        let store = patient.openState(
            configuration, group: group, logger: Logger(label: "cloud-mirror", factory: { _ in SwiftLogNoOpLogHandler() }))
        let isFine: Bool
        do throws(StateError) {
            isFine = Self.tell(try await store.serverReports(patient.client, group: group), report)
        } catch {
            report(SetupLine(.error, error.messageWithRemedy))
            isFine = false
        }
        await store.close()
        return isFine
    }

    private static func tell(_ found: [RedisServerReport], _ report: (SetupLine) -> Void) -> Bool {
        for server in found {
            if !server.version.isEmpty {
                report(SetupLine(.ok, server.named("Redis answers, version \(server.version)")))
            }
            for error in server.errors { report(SetupLine(.error, server.named(error))) }
            for finding in server.findings { report(SetupLine(.warning, server.named(finding))) }
        }
        return found.allSatisfy(\.errors.isEmpty)
    }
}
