import Logging
package import MirrorCore
import MirrorStorage
import NIOPosix
import StorageS3

/// Sets up and checks the pools of a configuration, without serving them.
package struct PoolSetup: Sendable {
    /// A line of a plan, or of what came of it.
    package struct Line: Sendable, Equatable {
        /// `ok`, `change`, `note`, `problem`; `ok`, `warning`, `error`; `done`, `note`, `failed`.
        package var mark: String
        package var text: String

        package init(mark: String, text: String) {
            self.mark = mark
            self.text = text
        }
    }

    /// What is to be done to one pool.
    package struct Plan: Sendable {
        package let pool: PoolID
        package let lines: [Line]
        package let hasChanges: Bool
        package let hasProblems: Bool
        fileprivate let steps: (setup: S3PoolSetup, plan: S3PoolPlan)?
    }

    private let pools: [Configuration.Pool]
    private let configuration: Configuration
    private let machine: MachineCheck
    private let warnings: [ConfigurationProblem]
    private let s3: S3Parts
    private let logger: Logger

    /// - Parameter only: `nil` for all pools.
    /// - Throws: ``StartError`` when there is no such pool.
    package init(_ configuration: Configuration, only: PoolID?) throws {
        pools = configuration.pools.filter { only == nil || $0.id == only }
        if pools.isEmpty, let only {
            let known = configuration.pools.map(\.id.description).joined(separator: ", ")
            throw StartError("the configuration has no pool \(only); it has \(known)")
        }
        self.configuration = configuration
        machine = MachineCheck(configuration)
        warnings = configuration.warnings
        // What is to be said goes to whoever called, in words of its own.
        logger = Logger(label: "cloud-mirror", factory: { _ in SwiftLogNoOpLogHandler() })
        s3 = S3Parts(configuration, group: MultiThreadedEventLoopGroup.singleton, logger: logger)
    }

    package func close() async {
        await s3.close()
    }

    // MARK: Setting up

    /// Looks at each pool and changes nothing.
    package func plans() async throws -> [Plan] {
        var plans: [Plan] = []
        for pool in pools { plans.append(try await plan(pool)) }
        return plans
    }

    private func plan(_ pool: Configuration.Pool) async throws -> Plan {
        guard case .s3(let settings) = pool.storage else {
            let line = Line(mark: "ok", text: "a directory, which the service makes when it starts")
            return Plan(pool: pool.id, lines: [line], hasChanges: false, hasProblems: false, steps: nil)
        }
        let setup = S3PoolSetup(
            configuration: s3.configuration(of: settings), retention: pool.retention.timeToLive, http: s3.http, logger: logger)
        do {
            let plan = try await setup.plan()
            let lines = plan.lines.map { Line(mark: $0.mark.rawValue, text: $0.text) }
            return Plan(
                pool: pool.id, lines: lines, hasChanges: plan.hasChanges, hasProblems: plan.hasProblems, steps: (setup, plan))
        } catch let error as StorageError {
            let line = Line(mark: S3PoolPlan.Mark.problem.rawValue, text: error.message)
            return Plan(pool: pool.id, lines: [line], hasChanges: false, hasProblems: true, steps: nil)
        }
    }

    /// Does what was planned.
    ///
    /// - Returns: Whether all of it was done, but for what the server does not support, or not without refusing what is written.
    package func apply(_ plan: Plan, report: (Line) -> Void) async throws -> Bool {
        guard let steps = plan.steps else { return true }
        var isDone = true
        try await steps.setup.apply(steps.plan) { line, outcome in
            switch outcome {
            case .done: report(Line(mark: "done", text: line.text))
            case .noted: report(Line(mark: "note", text: line.text))
            case .unsupported: report(Line(mark: "note", text: "\(line.text): not supported by this server"))
            case .takenBack(let reason):
                isDone = isDone && !line.isEssential
                report(Line(mark: line.isEssential ? "failed" : "note", text: "taken back: \(line.text): \(reason)"))
            case .failed(let reason):
                isDone = false
                report(Line(mark: "failed", text: "\(line.text): \(reason)"))
            }
        }
        return isDone
    }

    // MARK: Checking

    /// What the file is warned of, and what concerns several pools: one line each.
    package func checkTogether() -> (lines: [Line], isFine: Bool) {
        let findings = machine.sharedDisks()
        return (
            warnings.map { Line(mark: "warning", text: $0.description) } + findings.map(\.line),
            findings.allSatisfy { $0.severity == .warning }
        )
    }

    /// Tries everything that the pools need.
    ///
    /// - Parameter report: Is told each line as soon as it is known.
    /// - Returns: Whether nothing is wrong.
    package func check(report: (PoolID, Line) -> Void) async throws -> Bool {
        var isFine = true
        for pool in pools {
            guard case .s3(let settings) = pool.storage else {
                let findings = machine.pool(pool)
                for finding in findings { report(pool.id, finding.line) }
                if findings.isEmpty {
                    report(pool.id, Line(mark: "ok", text: "a directory of this machine, which can be written to\(holds(pool))"))
                }
                isFine = isFine && findings.allSatisfy { $0.severity == .warning }
                continue
            }
            let check = S3PoolCheck(
                configuration: s3.configuration(of: settings), retention: pool.retention.timeToLive,
                credentialsSource: settings.bucket.credentials.words, http: s3.http, logger: logger)
            let isPoolFine = try await check.run { report(pool.id, Line(mark: $0.mark.rawValue, text: $0.text)) }
            isFine = isFine && isPoolFine
        }
        return isFine
    }
}

extension PoolSetup {
    private func holds(_ pool: Configuration.Pool) -> String {
        configuration.maxBytes(of: pool).map { "; it may hold \(ByteSize.rounded($0))" } ?? ""
    }
}

extension Configuration.S3CredentialSource {
    /// For people.
    fileprivate var words: String {
        switch self {
        case .chain: "found as the AWS tools find them"
        case .profile(let name): "of the profile \(name)"
        case .keys: "of the configuration"
        case .anonymous: "anonymous"
        }
    }
}
