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
