import MirrorCore
import Testing

@Suite struct EncodingTests {
    // RFC 4648 §10.
    @Test(
        "Base64 and hexadecimal as RFC 4648 gives them",
        arguments: [
            ("", "", ""), ("f", "Zg==", "66"), ("fo", "Zm8=", "666f"), ("foo", "Zm9v", "666f6f"), ("foob", "Zm9vYg==", "666f6f62"),
            ("fooba", "Zm9vYmE=", "666f6f6261"), ("foobar", "Zm9vYmFy", "666f6f626172"),
        ])
    func vectors(_ text: String, _ base64: String, _ hex: String) {
        let bytes = Array(text.utf8)
        #expect(Base64.encode(bytes) == base64)
        #expect(Base64.decode(base64) == bytes)
        #expect(Base64.decode(base64.replacing("=", with: "")) == bytes)
        #expect(Hex.encode(bytes) == hex)
        #expect(bytes.withUnsafeBytes { Hex.encode($0) } == hex)
        #expect(Hex.decode(hex) == bytes)
        #expect(Hex.decode(hex.uppercased()) == bytes)
    }

    @Test func everyByteComesBack() {
        let bytes = Array(UInt8.min...UInt8.max)
        for end in 0...bytes.count {
            #expect(Base64.decode(Base64.encode(Array(bytes[..<end]))) == Array(bytes[..<end]))
        }
        #expect(Hex.decode(Hex.encode(bytes)) == bytes)
        #expect(bytes.withUnsafeBytes { Hex.encode($0) } == Hex.encode(bytes))
        #expect(PercentCoding.decode("%41%C3%A9") == "Aé")
    }

    @Test func bothAlphabetsAreRead() {
        #expect(Base64.decode("+/+/") == [0xFB, 0xFF, 0xBF])
        #expect(Base64.decode("-_-_") == [0xFB, 0xFF, 0xBF])
    }

    @Test(
        "What is no Base64 is refused",
        arguments: ["A", "=", "==", "====", "A===", "AA=", "AAA==", "AA=A", "A A=", "AAAA\n", "AAé=", "AAAAA", "Zg==Zg=="])
    func refusesBase64(_ text: String) {
        #expect(Base64.decode(text) == nil)
    }

    @Test("What is no hexadecimal is refused", arguments: ["0", "0g", "0x00", " 00", "00 ", "٠٠", "+1"])
    func refusesHex(_ text: String) {
        #expect(Hex.decode(text) == nil)
    }

    @Test func onlyUnreservedCharactersStay() {
        #expect(PercentCoding.encode("aZ09-._~") == "aZ09-._~")
        #expect(PercentCoding.encode("a b/c?d=é%") == "a%20b%2Fc%3Fd%3D%C3%A9%25")
        #expect(PercentCoding.encode("\u{0}\u{7F}") == "%00%7F")
        #expect(PercentCoding.encode("a/b", where: { $0 != UInt8(ascii: "b") }) == "a/%62")
    }

    @Test("Decoding refuses broken escapes and what is no UTF-8", arguments: ["%", "%4", "%4g", "%%41", "a%", "%FF", "%C3", "%u0041"])
    func refusesPercent(_ text: String) {
        #expect(PercentCoding.decode(text) == nil)
    }

    @Test func decodingDoesNotReadPlusAsSpace() {
        #expect(PercentCoding.decode("a+b%2Fc%2f") == "a+b/c/")
        #expect(PercentCoding.decode("%2541") == "%41")
    }

    @Test(arguments: [
        ("a b+c%", "a%20b%2Bc%25"), ("//a/../b/.", "//a/../b/."), ("~-._", "~-._"), ("'\"!*()", "%27%22%21%2A%28%29"), ("ü", "%C3%BC"),
        ("?#&=", "%3F%23%26%3D"), ("\u{0}\n", "%00%0A"), ("", ""),
    ])
    func `every byte of a key but the unreserved ones and slashes is encoded, once`(key: String, path: String) {
        #expect(PercentCoding.encode(path: key) == path)
        #expect(PercentCoding.decode(path) == key)
    }

    @Test("Random bytes are as many as were asked for, and others each time")
    func random() {
        for count in 0...20 { #expect(RandomBytes.make(count).count == count) }
        let texts = (0..<100).map { _ in RandomBytes.hex(16) }
        #expect(Set(texts).count == 100)
        #expect(texts.allSatisfy { $0.utf8.count == 32 })
        // A byte that were always the same would be so in all of a hundred.
        let bytes = (0..<100).map { _ in RandomBytes.make(11) }
        for place in 0..<11 { #expect(Set(bytes.map { $0[place] }).count > 1) }
    }
}

@Suite struct DigestTests {
    @Test("A digest has its algorithm's length", arguments: Digest.Algorithm.allCases)
    func length(_ algorithm: Digest.Algorithm) throws {
        let bytes = [UInt8](repeating: 0xAB, count: algorithm.byteCount)
        let digest = try #require(Digest(algorithm, bytes: bytes))
        #expect(Digest(algorithm, bytes: bytes + [0]) == nil)
        #expect(Digest(algorithm, bytes: Array(bytes.dropLast())) == nil)
        #expect(Digest(algorithm, hex: digest.hex) == digest)
        #expect(Digest(algorithm, base64: digest.base64) == digest)
        #expect(Digest(algorithm, hex: digest.hex + "0") == nil)
        #expect(Digest(algorithm, base64: "!") == nil)
        #expect(digest.description == "\(algorithm.rawValue):\(digest.hex)")
    }

    // RFC 9530 §B.1: the field of {"hello": "world"} and a line feed.
    @Test func theFieldIsAStructuredDictionary() throws {
        let digest = try #require(Digest(.sha256, base64: "RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg="))
        #expect(digest.fieldValue == "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:")
    }
}
