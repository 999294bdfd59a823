import Foundation
import TestServers
import Testing

/// A wall clock of the mirror's own, which steps when the test says so. Time that is measured, not told, goes on as it is.
final class ChaosClock: Sendable {
    private let file: String

    /// The library that fakes the time; `nil` where it is not installed.
    private static let library: String? = {
        let folders = (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib")) ?? []
        return folders.map { "/usr/lib/\($0)/faketime/libfaketimeMT.so.1" }.first { FileManager.default.fileExists(atPath: $0) }
    }()

    init(in directory: TemporaryDirectory) throws {
        try #require(Self.library != nil, "libfaketime is not installed; `make setup` installs it")
        file = try directory.write("+0\n", to: "clock")
    }

    /// What runs the executable under this clock.
    var prefix: [String] {
        [
            "env", "LD_PRELOAD=\(Self.library ?? "")", "FAKETIME_DONT_FAKE_MONOTONIC=1", "FAKETIME_NO_CACHE=1",
            "FAKETIME_TIMESTAMP_FILE=\(file)",
        ]
    }

    /// - Parameter seconds: How far from the truth it is from now on.
    func step(to seconds: Int) throws {
        // In one step, for who reads it at the same time.
        try Data("\(seconds < 0 ? "" : "+")\(seconds)\n".utf8).write(to: URL(filePath: file), options: .atomic)
    }
}
