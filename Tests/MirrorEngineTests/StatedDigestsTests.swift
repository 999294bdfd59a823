import MirrorCore
import NIOCore
import NIOHTTP1
import Testing

@testable import MirrorEngine

@Suite("Digests that an origin states")
struct StatedDigestsTests {
    // Of no bytes at all.
    private static let md5 = "1B2M2Y8AsgTpgAmY7PhCfg=="
    private static let sha256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    private static let crc32c = "AAAAAA=="

    private func read(_ fields: [(String, String)], isWhole: Bool = true) -> [String] {
        StatedDigests.read(HTTPHeaders(fields), isWhole: isWhole).map { "\($0.algorithm.rawValue)=\($0.base64)" }.sorted()
    }

    @Test("Every field that states one is read")
    func reads() {
        #expect(read([("Content-MD5", Self.md5)]) == ["md5=\(Self.md5)"])
        #expect(read([("repr-digest", "sha-256=:\(Self.sha256):")]) == ["sha-256=\(Self.sha256)"])
        #expect(read([("Digest", "sha-256=\(Self.sha256), MD5=\(Self.md5)")]) == ["md5=\(Self.md5)", "sha-256=\(Self.sha256)"])
        #expect(
            read([("x-goog-hash", "crc32c=\(Self.crc32c)"), ("x-goog-hash", "md5=\(Self.md5)")]) == [
                "crc32c=\(Self.crc32c)", "md5=\(Self.md5)",
            ])
        #expect(
            read([("x-amz-checksum-sha256", Self.sha256), ("x-amz-checksum-crc32c", Self.crc32c)]) == [
                "crc32c=\(Self.crc32c)", "sha-256=\(Self.sha256)",
            ])
        #expect(read([("x-amz-checksum-crc64nvme", "AAAAAAAAAAA=")]) == ["crc64nvme=AAAAAAAAAAA="])
    }

    @Test("Several digests in one Repr-Digest, or in several, are all read")
    func several() {
        let both = ["md5=\(Self.md5)", "sha-256=\(Self.sha256)"]
        #expect(read([("Repr-Digest", "sha-256=:\(Self.sha256):, md5=:\(Self.md5):")]) == both)
        #expect(read([("Repr-Digest", "sha-256=:\(Self.sha256):"), ("Repr-Digest", "md5=:\(Self.md5):")]) == both)
    }

    @Test("Fields that speak of the body alone do not speak of an artifact whose part it is")
    func partial() {
        let fields = [("Content-MD5", Self.md5), ("x-amz-checksum-sha256", Self.sha256), ("Repr-Digest", "sha-256=:\(Self.sha256):")]
        #expect(read(fields, isWhole: false) == ["sha-256=\(Self.sha256)"])
    }

    @Test(
        "What is no digest is passed over",
        arguments: [
            ("Repr-Digest", ""), ("Repr-Digest", ","), ("Repr-Digest", "sha-256"), ("Repr-Digest", "sha-256="),
            ("Repr-Digest", "sha-256=:"),
            ("Repr-Digest", "sha-256=::"), ("Repr-Digest", "sha-256=:!!!!:"), ("Repr-Digest", "=:AAAA:"),
            ("Repr-Digest", "sha-256=:AAAA:;x=1"),
            ("Content-MD5", ""), ("Content-MD5", "AAAA"), ("x-goog-hash", "crc32c"), ("x-goog-hash", "crc32c="),
            ("x-goog-hash", "sha1=AAAA"),
            ("x-amz-checksum-sha256", "\(Self.sha256)-5"), ("x-amz-checksum-crc32c", "\(Self.crc32c)-12"),
            ("Content-Digest", "sha-256=:\(Self.sha256):"),
        ])
    func nonsense(name: String, value: String) {
        #expect(read([(name, value)]) == [])
    }

    @Test("All that is stated is checked, and the SHA-256 of what came is given")
    func hash() throws {
        let stated = [try #require(Digest(.md5, base64: Self.md5)), try #require(Digest(.crc32c, base64: Self.crc32c))]
        #expect(try ArtifactHash(stated: stated).finish().base64 == Self.sha256)
        let other = ArtifactHash(stated: stated)
        other.update(ByteBuffer(string: "x"))
        #expect(other.count == 1)
        let error = #expect(throws: CopyError.self) { try other.finish() }
        #expect(error?.isTransient == true)
    }

    @Test("Two statements that contradict each other cannot both be met")
    func contradiction() throws {
        let other = try #require(Digest(.md5, base64: "XUFAKrxLKna5cZ2REBfFkg=="))
        let hash = ArtifactHash(stated: [try #require(Digest(.md5, base64: Self.md5)), other])
        #expect(throws: CopyError.self) { try hash.finish() }
    }
}

@Suite("CRC-32C against published vectors")
struct CRC32CTests {
    // The check value of the catalogue of parametrised CRC algorithms, and RFC 3720 appendix B.4.
    static let vectors: [(bytes: [UInt8], check: String)] = [
        (Array("123456789".utf8), "e3069283"),
        ([], "00000000"),
        ([UInt8](repeating: 0, count: 32), "8a9136aa"),
        ([UInt8](repeating: 0xFF, count: 32), "62a8ab43"),
        (Array(0..<32), "46dd794e"),
        (Array((0..<32).reversed()), "113fdb5c"),
        (
            [
                0x01, 0xC0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 0x04, 0, 0, 0, 0, 0x14, 0, 0, 0, 0x18, 0x28, 0,
                0,
                0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0, 0, 0, 0,
            ], "d9963a56"
        ),
    ]

    @Test("In one piece and cut anywhere", arguments: vectors)
    func check(bytes: [UInt8], check: String) {
        for cut in 0...bytes.count {
            var crc = CRC32C()
            bytes[..<cut].withUnsafeBytes { crc.update($0) }
            bytes[cut...].withUnsafeBytes { crc.update($0) }
            #expect(Hex.encode(crc.bytes) == check)
        }
    }
}

@Suite("CRC-64/NVME against azure-storage-extensions")
struct CRC64NVMETests {
    // The first is the check value of the catalogue of parametrised CRC algorithms, too.
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

    @Test("In one piece, cut anywhere, and joined from the checks of two pieces", arguments: vectors)
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

    @Test("Its bytes begin with the most significant one")
    func bytes() {
        #expect(Hex.encode(CRC64NVME.bytes(of: 0x0177_8570_0652_42FF)) == "01778570065242ff")
    }
}
