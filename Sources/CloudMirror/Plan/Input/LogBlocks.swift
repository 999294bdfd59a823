import MirrorSystem

/// Bytes of a log, a block at a time.
protocol LogBlocks: AnyObject {
    /// Fills the buffer as far as it can.
    ///
    /// - Returns: 0 at the end.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int
    /// Bytes of the file that were read so far, compressed ones where it is compressed.
    var position: Int64 { get }
}

/// A file as it is.
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

/// A log that was opened.
struct LogFile {
    let blocks: any LogBlocks
    /// Of the file, in bytes.
    let size: Int64

    /// What is compressed is decompressed.
    init(_ path: String) throws {
        let file = try CommandFailure.explaining(path) { () throws(Errno) in try Descriptor(path, for: .reading, .nonBlocking) }
        guard let size = try CommandFailure.explaining(path, { () throws(Errno) in try file.fileSize() }) else {
            throw CommandFailure("\(path): not a file")
        }
        let magic = try CommandFailure.explaining(path) { () throws(Errno) in try file.bytes(2, at: 0) }
        self.size = size
        blocks = magic == GzipBlocks.magic ? GzipBlocks(PlainBlocks(file), name: path) : PlainBlocks(file)
    }

    /// How a log begins.
    static func beginning(of path: String) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 8_192)
        let blocks = try LogFile(path).blocks
        let count = try bytes.withUnsafeMutableBytes { try blocks.read(into: $0) }
        return Array(bytes[..<count])
    }
}
