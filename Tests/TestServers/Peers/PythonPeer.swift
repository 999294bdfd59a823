import Foundation

/// A Python script with a second implementation of what is tested: it reads questions as lines of JSON, and writes as many answers.
package struct PythonPeer: Sendable {
    /// The script ended badly, or there is no Python to run it.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// The interpreter that has the packages of scripts/requirements/test-servers.in.
    package static var python: String? {
        let path = ProcessInfo.processInfo.environment["CLOUD_MIRROR_TEST_PYTHON"] ?? ""
        return path.isEmpty ? nil : path
    }

    /// Where nobody looks at what was skipped, a peer that is missing is a failure.
    package static var isWanted: Bool {
        python != nil || ["true", "1"].contains(ProcessInfo.processInfo.environment["CI"] ?? "")
    }

    private let script: String

    /// - Parameter script: Its path.
    package init(script: String) {
        self.script = script
    }

    /// Sends all questions, and returns the answers in the same order.
    package func answers<Question: Encodable, Answer: Decodable>(to questions: [Question]) async throws -> [Answer] {
        guard let python = Self.python else {
            throw Failure(description: "CLOUD_MIRROR_TEST_PYTHON is not set; run these tests with `make test`, which sets it")
        }
        // Files and not pipes: neither side can wait for the other to read.
        let directory = try TemporaryDirectory()
        var lines = Data()
        for question in questions {
            lines += try JSONEncoder().encode(question)
            lines.append(UInt8(ascii: "\n"))
        }
        let input = try directory.write(lines, to: "in")
        let (output, errors) = (try directory.write("", to: "out"), try directory.write("", to: "err"))

        let process = Process()
        process.executableURL = URL(fileURLWithPath: python)
        // -B: nothing is written beside the script.
        process.arguments = ["-B", script]
        process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: input))
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errors))
        let status = try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Int32, any Error>) in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do {
                try process.run()
            } catch {
                process.terminationHandler = nil
                continuation.resume(throwing: error)
            }
        }
        let message = String(decoding: try directory.read("err").suffix(2_000), as: UTF8.self)
        guard status == 0 else { throw Failure(description: "\(script) ended with \(status): \(message)") }
        let answers = try Data(directory.read("out")).split(separator: UInt8(ascii: "\n")).map {
            try JSONDecoder().decode(Answer.self, from: $0)
        }
        guard answers.count == questions.count else {
            throw Failure(description: "\(script) gave \(answers.count) answers to \(questions.count) questions")
        }
        return answers
    }
}
