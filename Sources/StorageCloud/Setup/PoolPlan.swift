package import MirrorStorage

/// What has to be done to a bucket for a pool. Depends only on the bucket's state and the pool's requirements.
package protocol PoolPlan: Sendable, Equatable {
    associatedtype Step: Sendable, Equatable

    /// In an order in which their steps can be performed.
    var lines: [PlannedLine<Step>] { get set }
}

extension PoolPlan {
    package var hasChanges: Bool { lines.contains { $0.mark == .change } }
    package var hasProblems: Bool { lines.contains { $0.mark == .problem } }

    /// - Parameter apply: Performs the steps.
    package func setup(_ apply: @escaping SetupPlan.Apply) -> SetupPlan {
        SetupPlan(lines: lines.map(\.line), apply: hasChanges ? apply : nil)
    }

    package mutating func add(_ mark: SetupLine.Mark, _ text: String, _ step: Step? = nil) {
        lines.append(PlannedLine(mark: mark, text: text, step: step))
    }

    /// Adds a line for a setting that has no known value.
    package mutating func addUnread<Value>(_ setting: String, _ known: KnownSetting<Value>) {
        switch known {
        case .value: break
        case .unsupported: add(.note, "\(setting): not supported by this server")
        case .unknown(let reason): add(.problem, "\(setting): cannot be read, so it is not changed: \(reason)")
        }
    }

    package mutating func addReadElsewhere() {
        add(.note, "read access is not changed: clients read at the pool's publicURL, which has its own access control")
    }
}
