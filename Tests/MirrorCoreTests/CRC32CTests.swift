import MirrorCore
import Testing

@Suite("The Castagnoli check")
struct CRC32CTests {
    private func check(_ bytes: some Sequence<UInt8>) -> CRC32C {
        var check = CRC32C()
        Array(bytes).withUnsafeBytes { check.update($0) }
        return check
    }

    @Test("is that of RFC 3720, appendix B.4, and of the catalogue's nine digits")
    func vectors() {
        #expect(check("123456789".utf8).bytes == [0xE3, 0x06, 0x92, 0x83])
        #expect(check([UInt8](repeating: 0, count: 32)).bytes == [0x8A, 0x91, 0x36, 0xAA])
        #expect(check((0..<32).map { UInt8($0) }).bytes == [0x46, 0xDD, 0x79, 0x4E])
        #expect(check("".utf8).bytes == [0, 0, 0, 0])
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
