/// One thing that every implementation of a protocol must do: a line of the protocol's *Behavior* list.
///
/// A suite is a list of cases, independent of any test framework. With Swift Testing it is run as
/// ```swift
/// @Test(arguments: MySuite.cases) func conforms(_ testCase: ConformanceCase<Subject>) async throws {
///     try await testCase.run(makeSubject())
/// }
/// ```
public struct ConformanceCase<Subject: Sendable>: Sendable, CustomStringConvertible {
    /// A sentence: `head of an absent key throws notFound`.
    public let name: String

    /// Throws ``ConformanceFailure`` when `Subject` does something else, or whatever the subject threw.
    public let run: @Sendable (Subject) async throws -> Void

    public init(_ name: String, run: @escaping @Sendable (Subject) async throws -> Void) {
        self.name = name
        self.run = run
    }

    public var description: String { name }
}

/// What was expected of an implementation and did not happen.
public struct ConformanceFailure: Error, Sendable, CustomStringConvertible {
    /// What was expected, and what was there instead.
    public let message: String
    /// The file of the suite that expected it, as `#fileID` gives it.
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

/// Looks at a condition of a case.
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
/// - Returns: The value that is there.
/// - Throws: ``ConformanceFailure`` when `value` is `nil`.
public func requireValue<Value>(
    _ value: Value?, _ what: @autoclosure () -> String = "value", file: String = #fileID, line: Int = #line
) throws -> Value {
    guard let value else { throw ConformanceFailure("\(what()) is missing", file: file, line: line) }
    return value
}

/// Runs `body`, which must throw an error of type `Failure` that `matches` accepts.
///
/// - Returns: The error.
/// - Throws: ``ConformanceFailure`` when nothing or something else was thrown.
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
