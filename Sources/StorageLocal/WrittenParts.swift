import MirrorCore
import MirrorStorage

/// Records which bytes of an upload have been written, without I/O.
struct WrittenParts {
    /// What is wrong.
    struct Problem: Error {
        let message: String
    }

    /// Makes a check, and translates what is wrong for the store's callers.
    static func explaining(_ operation: String, _ check: () throws(Problem) -> Void) throws {
        do {
            try check()
        } catch {
            throw StorageError(.invalidRequest, error.message, operation: operation)
        }
    }

    private struct Part {
        var offset: Int64
        var written: Int64 = 0
        var isWhole = false
        var end: Int64 { offset + written }
    }

    private var parts: [Int: Part] = [:]

    var count: Int { parts.count }

    /// In finished parts and in those being written.
    var writtenBytes: Int64 { parts.values.reduce(0) { $0 + $1.written } }

    /// Parts that are being written now.
    var underWay: Int { parts.values.count { !$0.isWhole } }

    /// Begins a part, discarding an earlier attempt at it.
    mutating func begin(_ part: UploadPart) throws(Problem) {
        guard part.number >= 0, part.offset >= 0, (part.length ?? 0) >= 0, part.offset <= .max - (part.length ?? 0) else {
            throw Problem(message: "a part's numbers cannot be negative, and it must end before 2^63")
        }
        if let earlier = parts[part.number], !earlier.isWhole {
            throw Problem(message: "part \(part.number) is being written already")
        }
        parts[part.number] = Part(offset: part.offset)
    }

    mutating func add(_ bytes: Int, to number: Int) {
        parts[number]?.written += Int64(bytes)
    }

    mutating func finish(_ number: Int) {
        parts[number]?.isWhole = true
    }

    mutating func fail(_ number: Int) {
        parts[number] = nil
    }

    /// Whether every byte of the range has been written, in finished parts or in those being written.
    func hold(_ range: ByteRange) -> Bool {
        var position = range.offset
        for part in inOrder where part.offset <= position && part.end > position {
            position = part.end
        }
        return position >= range.end
    }

    /// - Throws: ``Problem`` unless the bytes are exactly 0..<`size`, each from one part.
    func check(size: Int64) throws(Problem) {
        guard underWay == 0 else { throw Problem(message: "parts are still being written") }
        var position: Int64 = 0
        for part in inOrder {
            guard part.offset == position else {
                throw Problem(
                    message: part.offset > position ? "bytes from \(position) onwards are missing" : "parts overlap at \(part.offset)")
            }
            position = part.end
        }
        guard position == size else { throw Problem(message: "\(position) bytes were written instead of \(size)") }
    }

    private var inOrder: [Part] {
        parts.values.sorted { ($0.offset, $0.end) < ($1.offset, $1.end) }
    }
}
