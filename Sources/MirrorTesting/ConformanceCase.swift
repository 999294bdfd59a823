/// One requirement for every implementation of a protocol: a line of the protocol's *Behavior* list.
///
/// A suite is a list of cases, independent of any test framework. With Swift Testing, run it like this:
/// ```swift
/// @Test(arguments: MySuite.cases) func conforms(_ testCase: ConformanceCase<Subject>) async throws {
///     try await testCase.run(makeSubject())
/// }
/// ```
public struct ConformanceCase<Subject: Sendable>: Sendable, CustomStringConvertible {
    /// A sentence: `head of an absent key throws notFound`.
    public let name: String

    /// Throws ``ConformanceFailure`` if `Subject` does not meet the requirement, or the subject's own errors.
    public let run: @Sendable (Subject) async throws -> Void

    public init(_ name: String, run: @escaping @Sendable (Subject) async throws -> Void) {
        self.name = name
        self.run = run
    }

    public var description: String { name }
}

/// A requirement that an implementation does not meet.
public struct ConformanceFailure: Error, Sendable, CustomStringConvertible {
    /// What was expected, and what was found instead.
    public let message: String
    /// The file of the suite that has the requirement, as in `#fileID`.
    public let file: String
    /// The line there.
    public let line: Int

    public init(_ message: String, file: String = #fileID, line: Int = #line) {
        self.message = message
        self.file = file
        self.line = line
    }

    public var description: String { "\(message) (\(file):\(line))" }
}

/// Checks a condition.
///
/// - Throws: ``ConformanceFailure`` unless `condition` holds.
public func require(
    _ condition: Bool, _ message: @autoclosure () -> String, file: String = #fileID, line: Int = #line
) throws {
    guard condition else { throw ConformanceFailure(message(), file: file, line: line) }
}

/// Compares two values.
///
/// - Throws: ``ConformanceFailure`` unless `actual` equals `expected`; it shows both.
public func requireEqual<Value: Equatable>(
    _ actual: Value, _ expected: Value, _ what: @autoclosure () -> String = "value", file: String = #fileID, line: Int = #line
) throws {
    guard actual == expected else {
        throw ConformanceFailure("\(what()) is \(actual), expected \(expected)", file: file, line: line)
    }
}

/// Unwraps a value.
///
/// - Returns: The value.
/// - Throws: ``ConformanceFailure`` if `value` is `nil`.
public func requireValue<Value>(
    _ value: Value?, _ what: @autoclosure () -> String = "value", file: String = #fileID, line: Int = #line
) throws -> Value {
    guard let value else { throw ConformanceFailure("\(what()) is missing", file: file, line: line) }
    return value
}

/// Runs `body`, which must throw an error of type `Failure` that `matches` accepts.
///
/// - Returns: The error.
/// - Throws: ``ConformanceFailure`` if nothing or something else was thrown.
@discardableResult
public func requireThrows<Failure: Error, Result>(
    _ type: Failure.Type, _ what: @autoclosure () -> String = "call", file: String = #fileID, line: Int = #line,
    isolation: isolated (any Actor)? = #isolation, where matches: (Failure) -> Bool = { _ in true }, _ body: () async throws -> Result
) async throws -> Failure {
    do {
        _ = try await body()
    } catch {
        guard let failure = error as? Failure, matches(failure) else {
            throw ConformanceFailure("\(what()) threw \(error)", file: file, line: line)
        }
        return failure
    }
    throw ConformanceFailure("\(what()) did not throw", file: file, line: line)
}
