import CLibrary

/// Files that fit into memory.
package enum SmallFile {
    package struct Content: Sendable {
        package let bytes: [UInt8]
        package let isWorldReadable: Bool
    }

    /// Why a file cannot be read, phrased to follow "cannot be read: ".
    package enum Problem: Error, Equatable, CustomStringConvertible {
        case failed(Errno)
        /// Larger than this many bytes.
        case larger(than: Int)

        package var description: String {
            switch self {
            case .failed(let error): error.description
            case .larger(let limit): "it is larger than \(limit) bytes"
            }
        }
    }

    /// Waits if the path is a pipe that nobody writes to yet.
    ///
    /// - Parameter limit: Bytes; a longer file is an error.
    package static func read(_ path: String, limit: Int) throws(Problem) -> Content {
        let rest: [UInt8]?
        let status: FileStatus
        do throws(Errno) {
            let file = try Descriptor(path, for: .reading)
            status = try file.status()
            rest = try file.rest(limit: limit)
        } catch {
            throw .failed(error)
        }
        guard let bytes = rest else { throw .larger(than: limit) }
        return Content(bytes: bytes, isWorldReadable: status.isWorldReadable)
    }

    /// - Parameter limit: Bytes; more are an error.
    package static func readStandardInput(limit: Int) throws(Problem) -> [UInt8] {
        let rest: [UInt8]?
        do throws(Errno) {
            rest = try readAll(from: STDIN_FILENO, limit: limit)
        } catch {
            throw .failed(error)
        }
        guard let bytes = rest else { throw .larger(than: limit) }
        return bytes
    }

    /// Writes a regular file, and replaces its previous content.
    package static func write(_ bytes: [UInt8], to path: String) throws(Errno) {
        // Do not write to a link or pipe that somebody else put there.
        let file = try Descriptor(path, for: .writing, [.create, .truncate, .noFollow, .nonBlocking], mode: 0o644)
        guard try file.fileSize() != nil else { throw .invalidArgument }
        try file.append(bytes)
    }
}
