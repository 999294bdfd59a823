import Foundation

/// A directory of a test's own, removed with what is in it when the test lets go of it.
package final class TemporaryDirectory: Sendable {
    package let path: String

    package init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("cloud-mirror-test-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    // MARK: What is there

    /// Paths of everything below, relative, sorted; directories end in a slash.
    package func contents(_ subdirectory: String = "") throws -> [String] {
        let root = "\(path)/\(subdirectory)"
        let names = try FileManager.default.subpathsOfDirectory(atPath: root)
        return names.map { name in
            var isDirectory: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: "\(root)/\(name)", isDirectory: &isDirectory)
            return isDirectory.boolValue ? "\(name)/" : name
        }.sorted()
    }

    /// Relative paths of all files below a folder, sorted; empty when there is no such folder.
    package func files(in folder: String) throws -> [String] {
        exists(folder) ? try contents(folder).filter { !$0.hasSuffix("/") } : []
    }

    package func exists(_ name: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(path)/\(name)")
    }

    /// The permission bits of a file or directory.
    package func mode(_ name: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")[.posixPermissions] as? Int
    }

    package func read(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)")))
    }

    /// What is left of its file system for ordinary users.
    package func freeBytes() throws -> Int64 {
        (try FileManager.default.attributesOfFileSystem(forPath: path)[.systemFreeSize] as? NSNumber)?.int64Value ?? 0
    }

    // MARK: Changes

    /// A script written so is given to `/bin/sh` by name, never run by itself: a file that is open for writing cannot be run (ETXTBSY), and
    /// for an instant it is open in whatever child another test starts meanwhile.
    ///
    /// - Returns: The path of the file.
    @discardableResult
    package func write(_ bytes: some Sequence<UInt8>, to name: String) throws -> String {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
        return "\(path)/\(name)"
    }

    @discardableResult
    package func write(_ text: String, to name: String) throws -> String {
        try write(text.utf8, to: name)
    }

    /// Makes a directory, and those that it is in.
    package func makeDirectory(_ name: String) throws {
        try FileManager.default.createDirectory(atPath: "\(path)/\(name)", withIntermediateDirectories: true)
    }

    /// Removes a file, or a directory and what is in it.
    package func remove(_ name: String) throws {
        try FileManager.default.removeItem(atPath: "\(path)/\(name)")
    }

    /// Removes the files of a folder whose names begin like this.
    ///
    /// - Returns: How many there were.
    package func removeFiles(in folder: String, beginningWith prefix: String) throws -> Int {
        let names = try FileManager.default.contentsOfDirectory(atPath: "\(path)/\(folder)").filter { $0.hasPrefix(prefix) }
        for name in names { try FileManager.default.removeItem(atPath: "\(path)/\(folder)/\(name)") }
        return names.count
    }

    /// Copies everything as it is now, as a killed process would leave it.
    package func copy() throws -> TemporaryDirectory {
        let copy = try TemporaryDirectory()
        for name in try FileManager.default.contentsOfDirectory(atPath: path) {
            try FileManager.default.copyItem(atPath: "\(path)/\(name)", toPath: "\(copy.path)/\(name)")
        }
        return copy
    }
}
