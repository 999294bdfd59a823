package import MirrorStorage

/// The kinds of storage that this executable knows, in the order in which they were named.
package struct StorageServices: Sendable, Equatable {
    package let all: [any StorageService.Type]

    /// - Parameter all: The first one's pool is in force in the example file. Of two with one name the first counts.
    package init(_ all: [any StorageService.Type]) {
        self.all = all
    }

    private var names: [String] { all.map { $0.name } }

    subscript(name: String) -> (any StorageService.Type)? { all.first { $0.name == name } }

    /// The keys below `origins` of those that can be one.
    var originKeys: [String] { all.filter { $0.originDocumentation != nil }.map { $0.name } }

    /// The same in words: "`gcs` or `s3`".
    var originKeyWords: String { Self.joined(originKeys.map { "`\($0)`" }, by: "or") }

    /// All names: "`local`, `s3` and `webdav`".
    func words(_ word: (String) -> String) -> String {
        all.isEmpty ? "none" : Self.joined(names.map(word), by: "and")
    }

    private static func joined(_ words: [String], by conjunction: String) -> String {
        guard words.count > 1, let last = words.last else { return words.joined() }
        return "\(words.dropLast().joined(separator: ", ")) \(conjunction) \(last)"
    }

    package static func == (one: StorageServices, other: StorageServices) -> Bool { one.names == other.names }
}
