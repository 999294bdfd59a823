import MirrorCore
import Testing

@Suite("The Castagnoli check")
struct CRC32CTests {
    private func check(_ bytes: some Sequence<UInt8>) -> CRC32C {
        var check = CRC32C()
        Array(bytes).withUnsafeBytes { check.update($0) }
        return check
    }

    // The check value of the catalogue of parametrised CRC algorithms, and RFC 3720 appendix B.4.
    static let vectors: [(bytes: [UInt8], check: String)] = [
        (Array("123456789".utf8), "e3069283"),
        ([], "00000000"),
        ([UInt8](repeating: 0, count: 32), "8a9136aa"),
        ([UInt8](repeating: 0xFF, count: 32), "62a8ab43"),
        (Array(0..<32), "46dd794e"),
        (Array((0..<32).reversed()), "113fdb5c"),
        (
            [0x01, 0xC0] + [UInt8](repeating: 0, count: 14) + [0x14, 0, 0, 0, 0, 0, 0x04, 0, 0, 0, 0, 0x14, 0, 0, 0, 0x18, 0x28]
                + [UInt8](repeating: 0, count: 7) + [0x02] + [UInt8](repeating: 0, count: 7), "d9963a56"
        ),
    ]

    @Test("is the published one, in one piece and cut anywhere", arguments: vectors)
    func published(bytes: [UInt8], expected: String) {
        for cut in 0...bytes.count {
            var crc = CRC32C()
            bytes[..<cut].withUnsafeBytes { crc.update($0) }
            bytes[cut...].withUnsafeBytes { crc.update($0) }
            #expect(Hex.encode(crc.bytes) == expected)
        }
    }

    @Test("of the parts gives that of the whole", arguments: [0, 1, 7, 8, 9, 1_000, 65_536, 99_999, 100_000])
    func append(_ length: Int) {
        let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        var whole = check(bytes[..<length])
        whole.append(check(bytes[length...]), length: Int64(bytes.count - length))
        #expect(whole.bytes == check(bytes).bytes)
    }

    @Test("can be read again, and not from anything but four bytes")
    func read() throws {
        var again = try #require(CRC32C(bytes: check("12345".utf8).bytes))
        Array("6789".utf8).withUnsafeBytes { again.update($0) }
        #expect(again.bytes == [0xE3, 0x06, 0x92, 0x83])
        #expect(CRC32C(bytes: [1, 2, 3]) == nil)
        #expect(CRC32C(bytes: [1, 2, 3, 4, 5]) == nil)
    }
}
