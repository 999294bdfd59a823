import CLibrary

/// Paths without links.
package enum RealPath {
    /// Resolves a path. Components that do not exist yet are appended to the deepest directory that exists.
    ///
    /// - Returns: `nil` if the path cannot be resolved.
    package static func resolve(_ path: String) -> String? {
        var place = path
        var missing: [String] = []
        while true {
            if let base = existing(place) {
                return missing.isEmpty ? base : (base == "/" ? "" : base) + "/" + missing.reversed().joined(separator: "/")
            }
            guard errno == ENOENT || errno == ENOTDIR, place != "/" else { return nil }
            let parent = Directories.parent(of: place)
            missing.append(String(place.dropFirst(parent == "/" ? 1 : parent.count + 1)))
            place = parent
        }
    }

    /// The resolved path of an existing file; `nil` for anything else.
    package static func existing(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
