package import MirrorCore
import MirrorSystem

/// The file with the admin token of the service that listens at one address (``LocalAdminToken``).
package struct AdminTokenFile: Sendable, Hashable {
    package let path: String
    private let directory: String
    private let name: String

    package struct Problem: Error {
        package var reason: String
        /// Whether the file does not exist.
        package var isMissing = false

        fileprivate init(reason: String) {
            self.reason = reason
        }

        fileprivate init(_ error: Errno) {
            reason = error.phrase
            isMissing = error == .noSuchFileOrDirectory || error == .notDirectory
        }
    }

    /// Characters: 256 bits in hexadecimal.
    private static let length = 64

    /// - Parameter directory: The state directory, an absolute path.
    /// - Parameter address: Where the service accepts admin calls.
    package init(in directory: String, for address: ListenAddress) {
        self.directory = directory
        name = "admin-token-\(address)"
        path = "\(directory)/\(name)"
    }

    package static func makeToken() -> String {
        RandomBytes.hex(length / 2)
    }

    /// Replaces whatever is at the path, even a symbolic link. Nobody can read half a token, and no other file is written to.
    func write(_ token: String) throws(Problem) {
        do throws(Errno) {
            try Directories.make(directory)
            let place = try Descriptor(directory: directory)
            let temporary = ".\(name)-\(RandomBytes.hex(8))"
            let file = try place.createFile(temporary)
            do throws(Errno) {
                try file.append(Array("\(token)\n".utf8))
                try file.sync()
                try place.rename(temporary, to: place, as: name)
            } catch {
                try? place.remove(temporary)
                throw error
            }
        } catch {
            throw Problem(error)
        }
    }

    func remove() {
        FilePath.remove(path)
    }

    /// - Throws: ``Problem``, also if the content is not a token: anybody may have made the file, and its content is sent over the network.
    package func read() throws(Problem) -> String {
        let start: [UInt8]?
        do throws(Errno) {
            // Does not follow a link, and does not wait for the writer of a pipe.
            let file = try Descriptor(path, for: .reading, [.noFollow, .nonBlocking])
            start = try file.fileSize() == nil ? nil : file.bytes(Self.length + 2, at: 0)
        } catch {
            throw Problem(error)
        }
        guard let bytes = start else { throw Problem(reason: "it is not a regular file") }
        let text = String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        guard bytes.count <= Self.length + 1, text.utf8.count == Self.length, Hex.decode(text) != nil else {
            throw Problem(reason: "it does not hold a mirror's token")
        }
        return text
    }
}
