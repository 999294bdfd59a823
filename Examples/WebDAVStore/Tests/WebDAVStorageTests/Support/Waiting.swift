/// Asks again and again until there is a value: for what can only be seen by asking. The one place of these tests that sleeps to wait.
///
/// - Parameter what: For the failure.
/// - Throws: ``NotWithinTime`` after a time that only what is broken takes.
func eventually<Value: Sendable>(_ what: String, _ look: @Sendable () async throws -> Value?) async throws -> Value {
    let end = ContinuousClock.now + .seconds(60)
    while true {
        if let value = try await look() { return value }
        guard ContinuousClock.now < end else { throw NotWithinTime(what: what) }
        try await Task.sleep(for: .milliseconds(10))
    }
}

struct NotWithinTime: Error, CustomStringConvertible {
    let what: String
    var description: String { "not within a minute: \(what)" }
}
