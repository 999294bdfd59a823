import MirrorSystem

/// Reads the small files that contain credentials.
package struct CredentialFiles: Sendable {
    package enum Content: Sendable, Equatable {
        case bytes([UInt8])
        /// The file does not exist.
        case missing
        /// The file exists but cannot be read; the reason is for messages.
        case unreadable(String)
    }

    /// Bytes; a longer file is unreadable.
    private static let maxLength = 1 << 20

    private let reader: @Sendable (String) -> Content

    /// - Parameter reader: Returns the content of the file at a path.
    package init(_ reader: @escaping @Sendable (String) -> Content) {
        self.reader = reader
    }

    /// The files of the operating system.
    package static let system = CredentialFiles(readFile)

    package func read(_ path: String) -> Content { reader(path) }

    /// - Throws: `.invalid` if the file is missing, unreadable, or not UTF-8.
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
            // Does not wait: a pipe at this path must not block a thread.
            let bytes = try Descriptor(path, for: .reading, .nonBlocking).rest(limit: maxLength)
            return bytes.map { Content.bytes($0) } ?? .unreadable("it is larger than \(maxLength) bytes")
        } catch {
            return error == .noSuchFileOrDirectory || error == .notDirectory ? .missing : .unreadable(error.description)
        }
    }
}
