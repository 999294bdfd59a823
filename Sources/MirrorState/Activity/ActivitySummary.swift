/// What all processes have learned together, for a process that only looks.
package struct ActivitySummary: Sendable, Equatable {
    /// By name.
    package let sums: [String: Double]
    package let classes: [String]
    /// What ``ActivityDocument/guards`` has; empty if there is none.
    package let guards: [UInt8]

    package init(sums: [String: Double], classes: [String], guards: [UInt8]) {
        self.sums = sums
        self.classes = classes
        self.guards = guards
    }
}

extension ActivityStore {
    package func summary() async throws -> ActivitySummary {
        let guards = try await document(.guards)
        return ActivitySummary(sums: try await sums(), classes: try await addClasses([]), guards: guards?.bytes ?? [])
    }
}
