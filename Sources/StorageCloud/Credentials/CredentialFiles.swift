import MirrorSystem

/// Reads the small files that credentials stand in.
package struct CredentialFiles: Sendable {
    package enum Content: Sendable, Equatable {
        case bytes([UInt8])
        /// There is no such file.
        case missing
        /// There is one that cannot be read; the reason is for people.
        case unreadable(String)
    }

    /// Bytes; a longer file is unreadable.
    private static let maxLength = 1 << 20

    private let reader: @Sendable (String) -> Content

    /// - Parameter reader: Gives the content of the file at a path.
    package init(_ reader: @escaping @Sendable (String) -> Content) {
        self.reader = reader
    }

    /// The operating system's.
    package static let system = CredentialFiles(readFile)

    package func read(_ path: String) -> Content { reader(path) }

    /// - Throws: `.invalid` when the file is missing or unreadable, or no UTF-8.
    package func text(_ path: String, of what: String) throws(CredentialsError) -> String {
        switch read(path) {
        case .bytes(let bytes):
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw CredentialsError(.invalid, "\(what) \(path) is not UTF-8")
            }
            return text
        case .missing: throw CredentialsError(.invalid, "\(what) \(path) does not exist")
        case .unreadable(let reason): throw CredentialsError(.invalid, "\(what) \(path) cannot be read: \(reason)")
        }
    }

    private static func readFile(_ path: String) -> Content {
        guard !path.utf8.contains(0) else { return .unreadable("its name contains a zero byte") }
        do throws(Errno) {
            // Without waiting: a pipe that somebody put there must not hang a thread.
            let bytes = try Descriptor(path, for: .reading, .nonBlocking).rest(limit: maxLength)
            return bytes.map { Content.bytes($0) } ?? .unreadable("it is larger than \(maxLength) bytes")
        } catch {
            return error == .noSuchFileOrDirectory || error == .notDirectory ? .missing : .unreadable(error.description)
        }
    }
}
