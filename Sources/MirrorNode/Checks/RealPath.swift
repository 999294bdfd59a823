#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Paths without links.
enum RealPath {
    /// Of what is there; what is not there yet stands below the deepest directory that is.
    ///
    /// - Returns: `nil` where that cannot be told.
    static func resolve(_ path: String) -> String? {
        var place = path
        var missing: [String] = []
        while true {
            if let resolved = realpath(place, nil) {
                defer { free(resolved) }
                let base = String(cString: resolved)
                return missing.isEmpty ? base : (base == "/" ? "" : base) + "/" + missing.reversed().joined(separator: "/")
            }
            guard errno == ENOENT || errno == ENOTDIR, place != "/" else { return nil }
            let parent = DirectoryCheck.parent(of: place)
            missing.append(String(place.dropFirst(parent == "/" ? 1 : parent.count + 1)))
            place = parent
        }
    }
}
