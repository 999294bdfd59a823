import Testing

@testable import MirrorCore

@Suite("A reflected check")
struct ReflectedCRCTests {
    struct Pair: Sendable, CustomTestStringConvertible {
        let name: String
        let crc: ReflectedCRC
        let portable: ReflectedCRC

        var testDescription: String { name }
    }

    static let pairs = [
        Pair(
            name: "CRC-32C", crc: CRC32C.crc, portable: ReflectedCRC(width: 32, polynomial: 0x82F6_3B78, isPortable: true)),
        Pair(
            name: "CRC-64/NVME", crc: CRC64NVME.crc, portable: ReflectedCRC(width: 64, polynomial: 0x9A6C_9329_AC4B_C9B5, isPortable: true)),
    ]

    @Test("is the same at all lengths and alignments with the processor's multiplication and by tables alone", arguments: pairs)
    func alignments(pair: Pair) {
        let bytes = (0..<1_100).map { UInt8(truncatingIfNeeded: $0 &* $0 &* 31 &+ $0 >> 3) }
        for begun: UInt64 in [0, 0x8765_4321] {
            let expected = bytes.reduce(into: [begun]) { checks, byte in
                checks.append(withUnsafeBytes(of: byte) { pair.portable.update(checks[checks.count - 1], $0) })
            }
            for alignment in 0...15 {
                withUnsafeTemporaryAllocation(byteCount: bytes.count + 16, alignment: 16) { room in
                    let place = UnsafeMutableRawBufferPointer(rebasing: room[alignment..<(alignment + bytes.count)])
                    place.copyBytes(from: bytes)
                    let different = (0...bytes.count).filter {
                        pair.crc.update(begun, UnsafeRawBufferPointer(rebasing: place[..<$0])) != expected[$0]
                    }
                    #expect(different == [], "alignment \(alignment)")
                }
            }
        }
    }

    @Test("is the same however long bytes are cut, and joined from the checks of the pieces", arguments: pairs)
    func cuts(pair: Pair) {
        let bytes = (0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* 131 &+ $0 >> 7) }
        let whole = bytes.withUnsafeBytes { pair.portable.update(0, $0) }
        for cut in [0, 1, 63, 64, 65, 127, 128, 4_095, 10_000, 19_937, 20_000] {
            let first = bytes[..<cut].withUnsafeBytes { pair.crc.update(0, $0) }
            let second = bytes[cut...].withUnsafeBytes { pair.crc.update(0, $0) }
            #expect(bytes[cut...].withUnsafeBytes { pair.crc.update(first, $0) } == whole)
            #expect(pair.crc.joining(first, second, length: Int64(bytes.count - cut)) == whole)
        }
    }

    @Test("joins pieces of any length", arguments: pairs)
    func lengths(pair: Pair) {
        #expect(pair.crc.joining(1, 2, length: -1) == 3)
        // Moved on twice by half as much.
        let half = pair.crc.joining(0x1234_5678, 0, length: 1 << 61)
        #expect(pair.crc.joining(half, 0, length: 1 << 61) == pair.crc.joining(0x1234_5678, 0, length: 1 << 62))
        #expect(pair.crc.joining(0x1234_5678, 0, length: .max) != 0)
    }
}
