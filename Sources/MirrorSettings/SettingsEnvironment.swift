import MirrorSystem

/// The parts of the machine that reading a configuration may access; tests replace it.
package struct SettingsEnvironment: Sendable {
    package var variable: @Sendable (String) -> String?
    /// Reads a file, up to `limit` bytes.
    package var read: @Sendable (_ path: String, _ limit: Int) throws(FileProblem) -> File
    /// The directory that relative paths on the command line are relative to.
    package var currentDirectory: String

    package struct File: Sendable {
        package var bytes: [UInt8]
        package var isWorldReadable: Bool
    }

    /// Why a file cannot be read, phrased to follow "cannot be read: ".
    package struct FileProblem: Error, Sendable {
        package var reason: String

        package init(_ reason: String) {
            self.reason = reason
        }
    }

    package init(
        variable: @escaping @Sendable (String) -> String?,
        read: @escaping @Sendable (_ path: String, _ limit: Int) throws(FileProblem) -> File,
        currentDirectory: String
    ) {
        self.variable = variable
        self.read = read
        self.currentDirectory = currentDirectory
    }

    /// The variables and files of this process.
    package static var process: SettingsEnvironment {
        SettingsEnvironment(
            variable: { name in CurrentProcess.environmentVariable(name) },
            read: { (path, limit) throws(FileProblem) in try readFile(path, limit: limit) },
            currentDirectory: Directories.current)
    }

    /// An absolute path without a trailing slash and without `.` and empty components; a relative path is relative to `directory`. A `..` stays,
    /// because after a link it may lead elsewhere.
    package static func absolute(_ path: String, in directory: String) -> String {
        let joined = path.hasPrefix("/") ? path : "\(directory)/\(path)"
        // By bytes, not characters, so that a combining mark cannot hide a slash.
        let components = joined.utf8.split(separator: UInt8(ascii: "/")).map { Substring($0) }
        return "/" + components.filter { $0 != "." }.joined(separator: "/")
    }

    private static func readFile(_ path: String, limit: Int) throws(FileProblem) -> File {
        do throws(SmallFile.Problem) {
            let content = try SmallFile.read(path, limit: limit)
            return File(bytes: content.bytes, isWorldReadable: content.isWorldReadable)
        } catch {
            switch error {
            case .failed(let error): throw FileProblem(error.description)
            case .larger(let limit): throw FileProblem("it is larger than \(ByteSizeFormat.text(Int64(limit)))")
            }
        }
    }
}
