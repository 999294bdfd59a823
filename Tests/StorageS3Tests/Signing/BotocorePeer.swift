import Foundation
import Testing

/// botocore in a Python process: a second implementation of what is tested here.
enum BotocorePeer {
    /// The interpreter that has botocore.
    static var python: String? {
        let path = ProcessInfo.processInfo.environment["CLOUD_MIRROR_TEST_PYTHON"] ?? ""
        return path.isEmpty ? nil : path
    }

    /// Where nobody looks at what was skipped, a peer that is missing is a failure.
    static var isWanted: Bool {
        python != nil || ["true", "1"].contains(ProcessInfo.processInfo.environment["CI"] ?? "")
    }

    /// Sends each question as a line of JSON, and returns the answers in the same order.
    static func answers<Question: Encodable>(to questions: [Question]) async throws -> [String] {
        let python = try #require(python, "CLOUD_MIRROR_TEST_PYTHON is not set; run these tests with `make test`, which sets it")
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("botocore-peer-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }

        // Files and not pipes: neither side can wait for the other to read.
        let (input, output) = (directory.appendingPathComponent("in"), directory.appendingPathComponent("out"))
        let errors = directory.appendingPathComponent("err")
        var lines = Data()
        for question in questions {
            lines += try JSONEncoder().encode(question)
            lines.append(UInt8(ascii: "\n"))
        }
        try lines.write(to: input)
        for file in [output, errors] { try Data().write(to: file) }

        let process = Process()
        process.executableURL = URL(fileURLWithPath: python)
        // -B: nothing is written beside the script.
        process.arguments = ["-B", try SigningVectors.url("botocore_peer.py").path]
        process.standardInput = try FileHandle(forReadingFrom: input)
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        let status = try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Int32, any Error>) in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do {
                try process.run()
            } catch {
                process.terminationHandler = nil
                continuation.resume(throwing: error)
            }
        }
        let message = String(decoding: try Data(contentsOf: errors).suffix(2_000), as: UTF8.self)
        try #require(status == 0, "botocore's process ended with \(status): \(message)")
        let answers = try Data(contentsOf: output).split(separator: UInt8(ascii: "\n")).map {
            try JSONDecoder().decode(String.self, from: $0)
        }
        try #require(answers.count == questions.count)
        return answers
    }
}
