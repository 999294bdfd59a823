import CLibrary

/// Queries about paths, and operations on the names at their ends.
package enum FilePath {
    /// - Returns: The target of the link at a path, as stored in the link; `nil` if it is not a link.
    package static func target(ofLink path: String) -> String? {
        var bytes = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(path, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
    }

    /// Why this account may not write to an existing file; `nil` if it may.
    package static func writeProblem(_ path: String) -> Errno? { access(path, W_OK) == 0 ? nil : .last }

    package static func rename(_ path: String, to newPath: String) throws(Errno) {
        try retryingInterrupts { systemRename(path, newPath) }
    }

    package static func remove(_ path: String) {
        // A missing file is fine.
        _ = unlink(path)
    }
}
