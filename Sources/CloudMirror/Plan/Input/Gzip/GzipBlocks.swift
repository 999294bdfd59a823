/// A gzip file with any number of members (RFC 1952).
final class GzipBlocks: LogBlocks {
    static let magic: [UInt8] = [0x1F, 0x8B]

    private let input: DeflateInput
    private let name: String
    private var inflater: Inflater?
    private var hasMember = false
    private var isAtEnd = false

    init(_ blocks: any LogBlocks, name: String) {
        input = DeflateInput(blocks)
        self.name = name
    }

    var position: Int64 { input.blocks.position }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        do {
            while !isAtEnd {
                if inflater == nil {
                    guard try readHeader() else { break }
                    inflater = Inflater(input)
                }
                let count = try inflater?.read(into: buffer) ?? 0
                if count > 0 { return count }
                try readTrailer()
                inflater = nil
            }
            isAtEnd = true
            return 0
        } catch is DeflateError {
            throw CommandFailure("\(name): the compressed data are damaged, or the file ends early")
        }
    }

    /// - Returns: False at the end of the file.
    private func readHeader() throws -> Bool {
        guard let first = try input.byteIfAny() else { return false }
        // Zeros may pad the last block of a tape.
        if first == 0, hasMember {
            guard try input.areZerosToTheEnd() else { throw DeflateError() }
            return false
        }
        guard first == Self.magic[0], try input.byte() == Self.magic[1], try input.byte() == 8 else { throw DeflateError() }
        let flags = try input.byte()
        for _ in 0..<6 { _ = try input.byte() }
        if flags & 4 != 0 {
            let length = Int(try input.byte()) | Int(try input.byte()) << 8
            for _ in 0..<length { _ = try input.byte() }
        }
        for flag: UInt8 in [8, 16] where flags & flag != 0 {
            while try input.byte() != 0 {}
        }
        if flags & 2 != 0 { for _ in 0..<2 { _ = try input.byte() } }
        hasMember = true
        return true
    }

    private func readTrailer() throws {
        input.alignToByte()
        let checksum = try input.word()
        let size = try input.word()
        guard let inflater, inflater.checksum == checksum, UInt32(truncatingIfNeeded: inflater.size) == size else { throw DeflateError() }
    }
}

/// The data is not valid DEFLATE or gzip.
struct DeflateError: Error {}
