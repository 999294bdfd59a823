/// A list of uses in a compact, little-endian format: `CMTRACE1`; the number of regions (4 bytes), artifacts (4) and uses (8); the regions, each a
/// length (2) and a name; the artifacts, each a size (8), a length (2) and a name; the uses, each a time in milliseconds (8), an artifact (4),
/// a region (2) and two zero bytes.
final class CompactTrace: LogSource {
    static let magic = Array("CMTRACE1".utf8)
    private static let useLength = 16

    private let reader: LogLines
    private let name: String
    private let regions: LogRegionNames
    private let region: LogBytes?
    /// The artifacts' numbers in the replay.
    private let artifacts: [UInt32]
    private var left: UInt64
    private(set) var use = LogUse()
    private(set) var artifact: Int?
    private(set) var lines = LineCounts()

    /// - Parameters:
    ///   - region: Replaces the regions in the list.
    ///   - register: Takes an artifact's name and size, and returns its number.
    init(_ blocks: any LogBlocks, name: String, region: LogBytes?, _ register: (LogBytes, Int64) throws -> Int) throws {
        let damaged = CommandFailure("\(name): an incomplete compact trace")
        reader = LogLines(blocks)
        self.name = name
        self.region = region
        guard let head = try reader.take(24), head.prefix(8).elementsEqual(Self.magic) else { throw damaged }
        let counts = (regions: Self.number(head, 8, UInt32.self), artifacts: Self.number(head, 12, UInt32.self))
        left = Self.number(head, 16, UInt64.self)
        var names: [[UInt8]] = []
        for _ in 0..<counts.regions {
            guard names.count < PlanPools.maxPools, let length = try reader.take(2),
                let name = try reader.take(Int(Self.number(length, 0, UInt16.self)))
            else { throw damaged }
            names.append(Array(name))
        }
        regions = LogRegionNames(names)
        var artifacts: [UInt32] = []
        for _ in 0..<counts.artifacts {
            guard let entry = try reader.take(10) else { throw damaged }
            let size = Int64(clamping: Self.number(entry, 0, UInt64.self))
            guard let name = try reader.take(Int(Self.number(entry, 8, UInt16.self))) else { throw damaged }
            artifacts.append(UInt32(try register(name, size)))
        }
        self.artifacts = artifacts
    }

    var position: Int64 { reader.position }

    func next() throws -> Bool {
        guard left > 0 else { return false }
        left -= 1
        guard let entry = try reader.take(Self.useLength) else { throw CommandFailure("\(name): the compact trace ends early") }
        let number = Int(Self.number(entry, 8, UInt32.self))
        let region = Int(Self.number(entry, 12, UInt16.self))
        guard number < artifacts.count, region < regions.names.count else {
            throw CommandFailure("\(name): the compact trace refers to an artifact or a region that it does not list")
        }
        use.time = Int64(clamping: Self.number(entry, 0, UInt64.self))
        guard LogUse.times.contains(use.time) else {
            throw CommandFailure("\(name): the compact trace has a time that is too far in the future")
        }
        use.region = self.region ?? regions.names[region]
        artifact = Int(artifacts[number])
        lines.uses += 1
        return true
    }

    private static func number<Number: FixedWidthInteger & BitwiseCopyable>(_ bytes: LogBytes, _ offset: Int, _: Number.Type) -> Number {
        Number(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Number.self))
    }
}

/// The names that uses point to.
final class LogRegionNames {
    let names: [LogBytes]
    private let bytes: LogScratch

    init(_ names: [[UInt8]]) {
        let bytes = LogScratch(capacity: max(1, names.reduce(0) { $0 + $1.count }))
        self.names = names.map { name in
            for byte in name { bytes.append(byte) }
            return bytes.field()
        }
        self.bytes = bytes
    }
}
