/// A log, read use by use.
protocol LogSource: AnyObject {
    /// The last use that was read; its bytes are valid until the next one is read.
    var use: LogUse { get }
    /// The artifact's number in the replay, if the log has a table of artifacts.
    var artifact: Int? { get }
    /// - Returns: `false` at the end.
    func next() throws -> Bool
    /// Bytes of the file that have been read.
    var position: Int64 { get }
    var lines: LineCounts { get }
}

/// How many lines of each sort a log had.
struct LineCounts: Equatable {
    var uses = 0
    var others = 0
    var unreadable = 0
    /// The first line that could not be read, cut off.
    var firstUnreadable: String?

    mutating func add(_ other: LineCounts) {
        uses += other.uses
        others += other.others
        unreadable += other.unreadable
        firstUnreadable = firstUnreadable ?? other.firstUnreadable
    }
}

/// A log that consists of lines.
final class LineSource: LogSource {
    private let reader: LogLines
    private var format: any LineFormat
    private let name: String
    /// Replaces the region that the log names.
    private let region: LogBytes?
    private(set) var use = LogUse()
    private(set) var lines = LineCounts()
    private var number = 0

    init(_ blocks: any LogBlocks, _ format: any LineFormat, name: String, region: LogBytes?) {
        reader = LogLines(blocks)
        self.format = format
        self.name = name
        self.region = region
    }

    var artifact: Int? { nil }
    var position: Int64 { reader.position }

    func next() throws -> Bool {
        while let read = try reader.next() {
            number += 1
            let line = number == 1 ? read.withoutByteOrderMark : read
            if line.isEmpty { continue }
            switch format.read(line, &use) {
            case .use where LogUse.times.contains(use.time):
                lines.uses += 1
                if let region { use.region = region }
                return true
            case .other: lines.others += 1
            case .use, .unreadable:
                lines.unreadable += 1
                if lines.firstUnreadable == nil { lines.firstUnreadable = "\(name), line \(number): \(line.prefix(200).text)" }
            }
        }
        return false
    }
}

extension Slice<UnsafeRawBufferPointer> {
    var text: String { String(decoding: self, as: UTF8.self) }
}
