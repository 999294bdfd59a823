import Testing

@testable import CloudRegions

@Suite("Ranges of addresses")
struct RangeTableTests {
    private typealias Table = RangeTable<UInt8>

    /// What a prefix is for a reader: `16/4 2` is the addresses from 16 to 31, with the number 2.
    private struct Entry {
        let start: UInt8
        let length: Int
        let number: UInt16

        var last: UInt8 { start | (UInt8.max >> length) }
        var prefix: Table.Prefix { Table.Prefix(start: start, length: length, number: number) }
    }

    /// The longest that holds an address, found by looking at all.
    private func expected(_ entries: [Entry], _ address: UInt8) -> UInt16 {
        entries.filter { ($0.start...$0.last).contains(address) }.max { ($0.length, $0.number) < ($1.length, $1.number) }?.number ?? 0
    }

    private func numbers(_ table: Table) -> [UInt16] { (UInt8.min...UInt8.max).map { table.number(of: $0) } }

    @Test("The longest prefix decides, at every address")
    func longest() {
        let cases: [[Entry]] = [
            [], [Entry(start: 0, length: 0, number: 1)], [Entry(start: 0, length: 8, number: 1)], [Entry(start: 255, length: 8, number: 1)],
            // Within one another, at both ends and in the middle.
            [Entry(start: 0, length: 0, number: 1), Entry(start: 64, length: 2, number: 2), Entry(start: 96, length: 3, number: 3)],
            [Entry(start: 64, length: 2, number: 1), Entry(start: 64, length: 3, number: 2), Entry(start: 64, length: 4, number: 3)],
            [Entry(start: 128, length: 1, number: 1), Entry(start: 192, length: 2, number: 2), Entry(start: 224, length: 3, number: 1)],
            [Entry(start: 252, length: 6, number: 2), Entry(start: 255, length: 8, number: 3), Entry(start: 128, length: 1, number: 1)],
            // Side by side.
            [Entry(start: 16, length: 4, number: 1), Entry(start: 32, length: 4, number: 1), Entry(start: 48, length: 4, number: 2)],
            // Twice the same.
            [Entry(start: 16, length: 4, number: 2), Entry(start: 16, length: 4, number: 1), Entry(start: 16, length: 4, number: 2)],
        ]
        for entries in cases {
            let table = Table(entries.map(\.prefix))
            for address in UInt8.min...UInt8.max {
                #expect(table.number(of: address) == expected(entries, address), "\(entries) \(address)")
            }
        }
    }

    @Test("Any set of prefixes is what looking at all of them says", arguments: 0..<50)
    func random(seed: Int) throws {
        var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 &+ 1
        func next(_ limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % limit
        }
        let entries = (0..<next(14)).map { _ in
            let length = next(9)
            let start = UInt8(truncatingIfNeeded: next(256)) & ~(UInt8.max >> length)
            return Entry(start: start, length: length, number: UInt16(1 + next(4)))
        }
        let table = Table(entries.map(\.prefix))
        for address in UInt8.min...UInt8.max { #expect(table.number(of: address) == expected(entries, address), "\(entries) \(address)") }
        var bytes: [UInt8] = []
        table.write(to: &bytes)
        var rest = bytes[...]
        let read = try Table(reading: &rest, maxNumber: 4)
        #expect(read == table)
        #expect(rest.isEmpty)
    }

    @Test("Neighbours with one number are one range")
    func neighbours() {
        func table(_ entries: Entry...) -> Table { Table(entries.map(\.prefix)) }
        let half = Entry(start: 0, length: 1, number: 7)
        #expect(table(half, Entry(start: 128, length: 1, number: 7)) == table(Entry(start: 0, length: 0, number: 7)))
        #expect(table(half, Entry(start: 32, length: 4, number: 7)) == table(half))
        #expect(table(half, Entry(start: 128, length: 1, number: 6)) != table(Entry(start: 0, length: 0, number: 7)))
    }

    @Test("In one table of several, the first that has a number holds, and each has numbers of its own")
    func merging() {
        let first = Table([Entry(start: 64, length: 2, number: 1)].map(\.prefix))
        let second = Table([Entry(start: 0, length: 1, number: 1), Entry(start: 192, length: 2, number: 2)].map(\.prefix))
        let merged = Table(merging: [(table: first, offset: 0), (table: second, offset: 10)])
        for address in UInt8.min...UInt8.max {
            let (one, other) = (first.number(of: address), second.number(of: address))
            #expect(merged.number(of: address) == (one != 0 ? one : other != 0 ? other + 10 : 0))
        }
        #expect(numbers(Table(merging: [])) == numbers(Table([])))
    }

    @Test(
        "What was not written is not read",
        arguments: [
            [], [1], [1, 0], [0x80], [2, 0, 1, 0, 2], [2, 5, 1, 250, 1], [2, 5, 1, 251, 2], [1, 0, 0], [1, 0, 5], [2, 0, 1, 3, 1],
            [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], [0xFF, 0xFF, 0xFF, 0xFF, 0x0F], [1, 0x80, 0x02, 1],
        ] as [[UInt8]])
    func damaged(bytes: [UInt8]) {
        var rest = bytes[...]
        #expect(throws: RegionListError.self) { try Table(reading: &rest, maxNumber: 4) }
    }

    @Test("Numbers are written in as few bytes as they need", arguments: [0, 1, 127, 128, 16_383, 16_384, 1 << 32, .max] as [UInt64])
    func numbers(number: UInt64) throws {
        var bytes: [UInt8] = []
        SnapshotNumber.write(number, to: &bytes)
        #expect(bytes.count == max(1, (64 - number.leadingZeroBitCount + 6) / 7))
        var rest = bytes[...]
        let read = try SnapshotNumber.read(&rest)
        #expect(read == number)
        #expect(rest.isEmpty)
    }
}
