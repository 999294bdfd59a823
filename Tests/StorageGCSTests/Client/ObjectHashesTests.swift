import NIOCore
import NIOHTTP1
import Testing

@testable import StorageGCS

@Suite("The hashes that the service states")
struct ObjectHashesTests {
    @Test("They stand in one field or in several, in any order")
    func fields() {
        let expected = ObjectHashes(crc32c: "n03x6A==", md5: "Ojk9c3dhfxgoKVVHYwFbHQ==")
        for headers in [
            [("x-goog-hash", "crc32c=n03x6A==,md5=Ojk9c3dhfxgoKVVHYwFbHQ==")],
            [("X-Goog-Hash", "md5=Ojk9c3dhfxgoKVVHYwFbHQ=="), ("x-goog-hash", "CRC32C=n03x6A==")],
            [("x-goog-hash", "sha256=abc, crc32c=n03x6A== , md5=Ojk9c3dhfxgoKVVHYwFbHQ==,nothing")],
        ] {
            #expect(ObjectHashes(HTTPHeaders(headers)) == expected)
        }
        #expect(ObjectHashes([:]) == ObjectHashes())
    }

    @Test("They are computed of bytes, however these are cut")
    func computed() {
        // 0xE3069283, the check value of CRC-32C, in network order.
        let hashes = ObjectHashes([ByteBuffer(string: "1234"), ByteBuffer(string: "56789")])
        #expect(hashes == ObjectHashes(crc32c: "4waSgw=="))
        #expect(hashes.fieldValue == "crc32c=4waSgw==")
        #expect(
            ObjectHashes(crc32c: "4waSgw==", md5: "JfnnlDI7RTiF9RgfG2JNCw==").fieldValue == "crc32c=4waSgw==,md5=JfnnlDI7RTiF9RgfG2JNCw==")
        #expect(ObjectHashes([]) == ObjectHashes(crc32c: "AAAAAA=="))
    }

    @Test("What only one of them has is no contradiction")
    func agreement() {
        let whole = ObjectHashes(crc32c: "a", md5: "b")
        #expect(whole.agrees(with: ObjectHashes()))
        #expect(whole.agrees(with: ObjectHashes(crc32c: "a")))
        #expect(ObjectHashes(md5: "b").agrees(with: whole))
        #expect(!whole.agrees(with: ObjectHashes(crc32c: "x", md5: "b")))
        #expect(!whole.agrees(with: ObjectHashes(crc32c: "a", md5: "x")))
    }
}
