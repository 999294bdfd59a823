import MirrorCore
import MirrorStorage
import Testing

@testable import StorageLocal

@Suite("The ledger of an upload's bytes")
struct WrittenPartsTests {
    private func ledger(_ ranges: [(offset: Int64, length: Int)]) throws -> WrittenParts {
        var parts = WrittenParts()
        for (number, range) in ranges.enumerated() {
            try parts.begin(UploadPart(number: number, offset: range.offset, length: nil))
            parts.add(range.length, to: number)
            parts.finish(number)
        }
        return parts
    }

    @Test("is satisfied with exactly 0..<size, in any order, with empty parts between")
    func complete() throws {
        try ledger([(50, 50), (0, 50), (100, 0)]).check(size: 100)
        try ledger([]).check(size: 0)
        try ledger([(0, 0)]).check(size: 0)
    }

    @Test("finds gaps, overlaps, and a size that is another")
    func incomplete() throws {
        let cases: [([(offset: Int64, length: Int)], Int64)] = [
            ([(0, 50), (51, 49)], 100), ([(1, 99)], 100), ([(0, 60), (50, 50)], 100), ([(0, 99)], 100), ([(0, 101)], 100), ([], 1),
            ([(0, 50), (0, 50)], 100), ([(0, 50), (0, 50)], 50),
        ]
        for (ranges, size) in cases {
            let parts = try ledger(ranges)
            #expect(throws: WrittenParts.Problem.self, "\(ranges) of \(size)") { try parts.check(size: size) }
        }
    }

    @Test("does not count a part that is under way or failed")
    func unfinished() throws {
        var parts = WrittenParts()
        try parts.begin(UploadPart(number: 0, offset: 0, length: 10))
        parts.add(10, to: 0)
        #expect(throws: WrittenParts.Problem.self) { try parts.check(size: 10) }
        #expect(throws: WrittenParts.Problem.self) { try parts.begin(UploadPart(number: 0, offset: 0, length: 10)) }
        parts.fail(0)
        #expect(throws: WrittenParts.Problem.self) { try parts.check(size: 10) }
        try parts.begin(UploadPart(number: 0, offset: 0, length: 10))
        parts.add(10, to: 0)
        parts.finish(0)
        try parts.check(size: 10)
    }

    @Test("forgets the bytes of a part that is begun again")
    func rewritten() throws {
        var parts = try ledger([(0, 100)])
        try parts.begin(UploadPart(number: 0, offset: 0, length: nil))
        parts.add(30, to: 0)
        parts.finish(0)
        try parts.check(size: 30)
        #expect(throws: WrittenParts.Problem.self) { try parts.check(size: 100) }
    }

    @Test("refuses negative numbers and parts that end nowhere")
    func numbers() {
        let bad = [
            UploadPart(number: -1, offset: 0, length: 1), UploadPart(number: 0, offset: -1, length: 1),
            UploadPart(number: 0, offset: 0, length: -1), UploadPart(number: 0, offset: .max, length: 1),
        ]
        for part in bad {
            var parts = WrittenParts()
            #expect(throws: WrittenParts.Problem.self) { try parts.begin(part) }
        }
    }

    @Test("knows which ranges can be read")
    func reading() throws {
        let parts = try ledger([(0, 50), (50, 50), (200, 10)])
        let readable = [(0, 100, true), (49, 2, true), (99, 1, true), (99, 2, false), (100, 1, false), (200, 10, true), (195, 10, false)]
        for (offset, length, isThere) in readable {
            let range = try #require(ByteRange(offset: Int64(offset), length: Int64(length)))
            #expect(parts.hold(range) == isThere, "\(offset)..<\(offset + length)")
        }
    }
}
