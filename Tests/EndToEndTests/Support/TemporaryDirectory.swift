import Foundation

/// A directory of a test's own, removed with what is in it when the test lets go of it.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("cloud-mirror-e2e-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Relative paths of all files below a folder, sorted; empty when there is no such folder.
    func files(in folder: String) throws -> [String] {
        let root = "\(path)/\(folder)"
        guard FileManager.default.fileExists(atPath: root) else { return [] }
        return try FileManager.default.subpathsOfDirectory(atPath: root).filter { name in
            var isDirectory: ObjCBool = false
            return FileManager.default.fileExists(atPath: "\(root)/\(name)", isDirectory: &isDirectory) && !isDirectory.boolValue
        }.sorted()
    }

    /// Removes the files of a folder whose names begin like this.
    ///
    /// - Returns: How many there were.
    func removeFiles(in folder: String, beginningWith prefix: String) throws -> Int {
        let names = try FileManager.default.contentsOfDirectory(atPath: "\(path)/\(folder)").filter { $0.hasPrefix(prefix) }
        for name in names { try FileManager.default.removeItem(atPath: "\(path)/\(folder)/\(name)") }
        return names.count
    }

    @discardableResult
    func write(_ bytes: [UInt8], to name: String) throws -> String {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
        return "\(path)/\(name)"
    }

    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        try write(Array(text.utf8), to: name)
    }

    func read(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)")))
    }

    func exists(_ name: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(path)/\(name)")
    }
}
