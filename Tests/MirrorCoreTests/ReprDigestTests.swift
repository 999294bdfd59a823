import MirrorCore
import Testing

@Suite("The Repr-Digest field")
struct ReprDigestTests {
    // Of no bytes at all.
    private static let md5 = "1B2M2Y8AsgTpgAmY7PhCfg=="
    private static let sha256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

    private func read(_ field: String) -> [String] {
        Digest.list(reprDigest: field).map { "\($0.algorithm.rawValue)=\($0.base64)" }
    }

    @Test("All its digests are read, in their order, whatever stands beside them")
    func reads() {
        #expect(read("sha-256=:\(Self.sha256):") == ["sha-256=\(Self.sha256)"])
        #expect(read("sha-256=:\(Self.sha256):, md5=:\(Self.md5):") == ["sha-256=\(Self.sha256)", "md5=\(Self.md5)"])
        #expect(read("md5=:AAAA:, SHA-256=:\(Self.sha256):;q=1 , sha-512=:x:") == ["sha-256=\(Self.sha256)"])
    }

    @Test(
        "What is not a digest is passed over",
        arguments: [
            "", ",", "sha-256", "sha-256=", "sha-256=:", "sha-256=::", "sha-256=\(sha256)", "sha-256=:AAAA:", "sha-256=:!!!!:", "=:AAAA:",
            "sha-512=:\(sha256):", "unixsum=:\(sha256):",
        ])
    func nonsense(field: String) {
        #expect(read(field) == [])
    }

    @Test("A digest's own field is read back")
    func roundTrip() throws {
        let digest = try #require(Digest(.sha256, base64: Self.sha256))
        #expect(Digest.list(reprDigest: digest.fieldValue) == [digest])
    }
}
