import Crypto
import MirrorCore
import MirrorSystem

/// A page on disk, open: it stays readable after it was replaced or removed.
struct PageFile: Sendable {
    private static let pieceSize = 256 << 10
    private static let maxRecord = 256 << 10

    let record: PageRecord
    let validated: Int64?
    /// Of the whole file, in bytes.
    let size: Int64
    let descriptor: Descriptor

    /// Reads the record of a page. Blocks.
    ///
    /// - Returns: `nil` for an incomplete file.
    init?(_ descriptor: Descriptor) throws(Errno) {
        guard let size = try descriptor.fileSize(), size >= Int64(PageFooter.size),
            let footer = PageFooter(try descriptor.bytes(PageFooter.size, at: size - Int64(PageFooter.size))),
            footer.recordSize <= Self.maxRecord, Int64(footer.recordSize) <= size - Int64(PageFooter.size)
        else { return nil }
        let length = size - Int64(PageFooter.size) - Int64(footer.recordSize)
        let bytes = try descriptor.bytes(footer.recordSize, at: length)
        guard PageFooter.check(bytes) == footer.recordCheck, let record = PageRecord.read(bytes), record.length == length else {
            return nil
        }
        self.record = record
        self.size = size
        self.descriptor = descriptor
        validated = footer.validated
    }

    /// Whether the body is the one that was fetched. Blocks.
    func isWhole() throws(Errno) -> Bool {
        var hash = SHA256()
        var offset: Int64 = 0
        while offset < record.length {
            let piece = try descriptor.bytes(Int(min(Int64(Self.pieceSize), record.length - offset)), at: offset)
            guard !piece.isEmpty else { return false }
            hash.update(data: piece)
            offset += Int64(piece.count)
        }
        return Hex.encode(hash.finalize()) == record.sha256
    }
}
