/// Asks again and again until it is so: for what can only be seen by asking. The one place of these tests that sleeps to wait.
///
/// - Parameters:
///   - what: For the failure.
///   - limit: How long it may take; so long that only what is broken takes longer, however busy the machine is.
/// - Returns: The first value that is not `nil`.
/// - Throws: ``NeverSo`` after that.
package func eventually<Value>(
    _ what: String, within limit: Duration = .seconds(60), isolation: isolated (any Actor)? = #isolation,
    _ look: () async throws -> Value?
) async throws -> Value {
    let end = ContinuousClock.now + limit
    while true {
        if let value = try await look() { return value }
        guard ContinuousClock.now < end else { throw NeverSo(what: what, limit: limit) }
        try await Task.sleep(for: .milliseconds(10))
    }
}

/// The same, until it is true.
package func eventually(
    _ what: String, within limit: Duration = .seconds(60), isolation: isolated (any Actor)? = #isolation,
    _ isSo: () async throws -> Bool
) async throws {
    let _: Void = try await eventually(what, within: limit) { try await isSo() ? () : nil }
}

package struct NeverSo: Error, CustomStringConvertible {
    let what: String
    let limit: Duration

    package var description: String { "not so within \(limit): \(what)" }
}
