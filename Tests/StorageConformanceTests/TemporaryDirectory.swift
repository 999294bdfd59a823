import Foundation

/// A directory of a test's own, removed with what is in it when the test lets go of it.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("cloud-mirror-test-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Paths of everything below, relative, sorted; directories end in a slash.
    func contents(_ subdirectory: String = "") throws -> [String] {
        let root = "\(path)/\(subdirectory)"
        let names = try FileManager.default.subpathsOfDirectory(atPath: root)
        return names.map { name in
            var isDirectory: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: "\(root)/\(name)", isDirectory: &isDirectory)
            return isDirectory.boolValue ? "\(name)/" : name
        }.sorted()
    }
}
