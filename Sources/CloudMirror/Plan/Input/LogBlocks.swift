import MirrorSystem

/// The bytes of a log, read in blocks.
protocol LogBlocks: AnyObject {
    /// Reads bytes into the buffer; possibly fewer than it holds.
    ///
    /// - Returns: 0 at the end.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int
    /// Bytes of the file that have been read; compressed bytes if the file is compressed.
    var position: Int64 { get }
}

/// An uncompressed file.
final class PlainBlocks: LogBlocks {
    private let file: Descriptor
    private(set) var position: Int64 = 0

    init(_ file: Descriptor) {
        self.file = file
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let count = try file.read(into: buffer, at: position)
        position += Int64(count)
        return count
    }
}

/// An open log file.
struct LogFile {
    let blocks: any LogBlocks
    /// The file's size in bytes.
    let size: Int64

    /// Decompresses the file if it is compressed.
    init(_ path: String) throws {
        let file = try CommandFailure.explaining(path) { () throws(Errno) in try Descriptor(path, for: .reading, .nonBlocking) }
        guard let size = try CommandFailure.explaining(path, { () throws(Errno) in try file.fileSize() }) else {
            throw CommandFailure("\(path): not a file")
        }
        let magic = try CommandFailure.explaining(path) { () throws(Errno) in try file.bytes(2, at: 0) }
        self.size = size
        blocks = magic == GzipBlocks.magic ? GzipBlocks(PlainBlocks(file), name: path) : PlainBlocks(file)
    }

    /// The first bytes of a log, decompressed.
    static func beginning(of path: String) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 8_192)
        let blocks = try LogFile(path).blocks
        let count = try bytes.withUnsafeMutableBytes { try blocks.read(into: $0) }
        return Array(bytes[..<count])
    }
}
