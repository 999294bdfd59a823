package import MirrorStorage

/// The kinds of storage that this executable supports, in the order given.
package struct StorageServices: Sendable, Equatable {
    package let all: [any StorageService.Type]

    /// - Parameter all: The example file enables the pool of the first one. If two have the same name, the first one counts.
    package init(_ all: [any StorageService.Type]) {
        self.all = all
    }

    private var names: [String] { all.map { $0.name } }

    subscript(name: String) -> (any StorageService.Type)? { all.first { $0.name == name } }

    /// The keys below `origins` of services that can be an origin.
    var originKeys: [String] { all.filter { $0.originDocumentation != nil }.map { $0.name } }

    /// The origin keys as text: "`gcs` or `s3`".
    var originKeyWords: String { Self.joined(originKeys.map { "`\($0)`" }, by: "or") }

    /// All names as text: "`local`, `s3` and `webdav`".
    func words(_ word: (String) -> String) -> String {
        all.isEmpty ? "none" : Self.joined(names.map(word), by: "and")
    }

    private static func joined(_ words: [String], by conjunction: String) -> String {
        guard words.count > 1, let last = words.last else { return words.joined() }
        return "\(words.dropLast().joined(separator: ", ")) \(conjunction) \(last)"
    }

    package static func == (one: StorageServices, other: StorageServices) -> Bool { one.names == other.names }
}
