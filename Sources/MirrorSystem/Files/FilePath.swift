import CLibrary

/// What can be asked about a path, and done with the name at its end.
package enum FilePath {
    /// - Returns: Where the link at a path leads, as it stands in it; `nil` for what is not a link.
    package static func target(ofLink path: String) -> String? {
        var bytes = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(path, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
    }

    /// Why this account may not write to what is there; `nil` when it may.
    package static func writeProblem(_ path: String) -> Errno? { access(path, W_OK) == 0 ? nil : .last }

    package static func rename(_ path: String, to newPath: String) throws(Errno) {
        try retryingInterrupts { systemRename(path, newPath) }
    }

    package static func remove(_ path: String) {
        // That it is not there is as good.
        _ = unlink(path)
    }
}
