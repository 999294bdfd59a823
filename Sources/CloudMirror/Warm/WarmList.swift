import MirrorCore
import MirrorSystem

/// The URLs to warm, as given.
struct WarmList {
    /// URLs per call; few enough to be answered in seconds, even if each needs a lookup in every pool.
    static let maxBatch = 1_000
    /// Bytes per call, with room for the rest of the body.
    private static let maxBatchBytes = WarmCall.maxBody - 65_536
    /// Bytes of a file; enough for several million URLs.
    private static let maxFile = 256 << 20

    private(set) var urls: [String] = []
    /// Lines that are not URLs.
    private(set) var problems: [String] = []

    /// - Parameter file: A path; `-` is standard input.
    mutating func read(_ file: String) throws(CommandFailure) {
        let name = file == "-" ? "standard input" : file
        let bytes: [UInt8]
        do throws(SmallFile.Problem) {
            bytes = try file == "-" ? SmallFile.readStandardInput(limit: Self.maxFile) : SmallFile.read(file, limit: Self.maxFile).bytes
        } catch {
            throw CommandFailure("\(name) cannot be read: \(error)")
        }
        parse(bytes, name: name)
    }

    mutating func parse(_ bytes: [UInt8], name: String) {
        let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let text = bytes.starts(with: byteOrderMark) ? bytes[3...] : bytes[...]
        for (number, line) in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            let isBlank = { (byte: UInt8) in byte == 0x20 || byte == 0x09 || byte == 0x0D }
            let bytes = Array(line.drop(while: isBlank).reversed().drop(while: isBlank).reversed())
            guard let first = bytes.first, first != UInt8(ascii: "#") else { continue }
            guard let url = String(validating: bytes, as: UTF8.self) else {
                problems.append("\(name):\(number + 1): not UTF-8")
                continue
            }
            do {
                _ = try ArtifactURL(url)
                urls.append(url)
            } catch {
                problems.append("\(name):\(number + 1): not a URL: \(error.reason)")
            }
        }
    }

    /// The URLs in batches for one call each.
    var batches: [[String]] {
        var batches: [[String]] = []
        var batch: [String] = []
        var size = 0
        for url in urls {
            // Counts quotes, a comma, and any escaping in JSON.
            let bytes = 2 * url.utf8.count + 3
            if batch.count == Self.maxBatch || (size + bytes > Self.maxBatchBytes && !batch.isEmpty) {
                batches.append(batch)
                (batch, size) = ([], 0)
            }
            batch.append(url)
            size += bytes
        }
        if !batch.isEmpty { batches.append(batch) }
        return batches
    }
}
