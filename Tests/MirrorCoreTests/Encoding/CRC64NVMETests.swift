import MirrorCore
import Testing

@Suite("CRC-64/NVME")
struct CRC64NVMETests {
    // From azure-storage-extensions; the first is the check value of the catalogue of parametrised CRC algorithms, too.
    static let vectors: [(bytes: [UInt8], check: UInt64)] = [
        (Array("123456789".utf8), 0xAE8B_1486_0A79_9888),
        ([], 0),
        (Array("a".utf8), 0x8C2F_8445_B4CB_FC3C),
        (Array("hello".utf8), 0x3377_8570_0652_4257),
        ([UInt8](repeating: 0, count: 32), 0xCF34_7343_4D4E_CF3B),
        ((0..<1_024).map { UInt8($0 & 0xFF) }, 0x888D_8D2F_18D0_1447),
    ]

    private func check(_ bytes: some Sequence<UInt8>) -> UInt64 {
        var crc = CRC64NVME()
        Array(bytes).withUnsafeBytes { crc.update($0) }
        return crc.value
    }

    @Test("is the known one, in one piece, cut anywhere, and joined from the checks of two pieces", arguments: vectors)
    func check(bytes: [UInt8], expected: UInt64) {
        for cut in 0...bytes.count {
            var crc = CRC64NVME()
            bytes[..<cut].withUnsafeBytes { crc.update($0) }
            bytes[cut...].withUnsafeBytes { crc.update($0) }
            #expect(crc.value == expected)
            let joined = CRC64NVME.joining(check(bytes[..<cut]), check(bytes[cut...]), length: Int64(bytes.count - cut))
            #expect(joined == expected)
        }
    }

    @Test("has bytes that begin with the most significant one")
    func bytes() {
        #expect(Hex.encode(CRC64NVME.bytes(of: 0x0177_8570_0652_42FF)) == "01778570065242ff")
    }
}
