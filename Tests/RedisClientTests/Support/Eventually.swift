import Testing

/// Asks again and again, where nobody tells, until something is true; at most for 10 seconds.
func eventually(_ isTrue: () async throws -> Bool, sourceLocation: SourceLocation = #_sourceLocation) async throws {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(10)
    while clock.now < end {
        if try await isTrue() { return }
        try await clock.sleep(for: .milliseconds(10))
    }
    Issue.record("did not become true", sourceLocation: sourceLocation)
}
