package import MirrorCore

/// Cleans up for at most 15 seconds, even in a cancelled task. Failures are ignored.
package func cleaningUp(by clock: any MonotonicClock, _ body: @escaping @Sendable () async throws -> Void) async {
    await Task { _ = try? await leaving(after: .seconds(15), by: clock, body) }.value
}
