/// Runs a step of the current task's work, with a span if its trace is recorded. Otherwise it just runs the step.
package func traced<Result>(
    _ name: String, _ kind: MirrorSpan.Kind = .internal, isolation: isolated (any Actor)? = #isolation,
    _ operation: (MirrorSpan?) async throws -> Result
) async rethrows -> Result {
    guard let span = MirrorSpan.current?.step(name, kind) else { return try await operation(nil) }
    return try await span.during { try await operation(span) }
}

/// Runs something that begins a trace, with a span if that is recorded.
///
/// - Parameter tracer: `nil` if nothing is traced.
package func traced<Result>(
    _ name: String, _ kind: MirrorSpan.Kind = .internal, by tracer: MirrorTracer?, isolation: isolated (any Actor)? = #isolation,
    _ operation: (MirrorSpan?) async throws -> Result
) async rethrows -> Result {
    guard let span = tracer?.begin(name, kind) else { return try await operation(nil) }
    return try await span.during { try await operation(span) }
}
