import MirrorCore
import MirrorStorage
import NIOHTTP1
import Testing

@testable import StorageCloud

@Suite("Metadata in header fields")
struct MetadataFieldsTests {
    @Test(
        "Values of any characters come back as they were",
        arguments: ["plain; a=\"b\"", "ü", " a", "a ", "a  b", "UTF-8''x", "%41", "", "\n"])
    func values(_ value: String) {
        let encoded = MetadataFields.encode(value)
        #expect(encoded.utf8.allSatisfy { (0x20...0x7E).contains($0) })
        #expect(MetadataFields.decode(encoded) == value)
    }

    @Test(
        "Values that services may change on the way are encoded, and no others",
        arguments: [
            ("plain; a=\"b\"", false), ("a b c", false), ("", false), ("ü", true), (" a", true), ("a ", true), ("a  b", true), (" ", true),
            ("a\tb", true), ("a\u{7F}", true), ("UTF-8''x", true),
        ])
    func encodes(_ value: String, _ isEncoded: Bool) {
        #expect((MetadataFields.encode(value) != value) == isEncoded)
    }

    @Test("Metadata of any size stay below what the service takes, and are read as they were kept")
    func size() throws {
        let fields = MetadataFields(prefix: "x-meta-", maxSize: 2_000)
        for step in 0..<60 {
            let long = String(repeating: step.isMultiple(of: 2) ? "a" : "ü", count: step * 40)
            var given = ObjectMetadata(
                contentType: step.isMultiple(of: 3) ? nil : "text/plain", contentEncoding: "gzip", contentDisposition: "inline",
                upstreamURL: "https://origin.example.org/\(long)?signature=secret", upstreamETag: "\"\(long.prefix(step * 9))\"",
                upstreamContentLength: .max, upstreamLastModified: Timestamp(milliseconds: 784_111_777_000),
                stored: Timestamp(milliseconds: 1_712_345_678_901),
                addresses: (0..<step).map { "https://cdn-\($0).example.org/\(long.prefix(60))?…" })
            let value = String(repeating: "f", count: min(step * 5, OriginFields.maxLength))
            for name in OriginFields.Name.allCases { given.originFields[name] = value }
            var kept = fields.kept(given)
            #expect(!kept.upstreamURL.contains("secret"))
            kept.sha256 = Digest(.sha256, bytes: Array(repeating: 7, count: 32))
            let headers = fields.headers(kept)
            let user = headers.filter { $0.name.hasPrefix(fields.prefix) }
            #expect(user.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count } <= 2_000)
            #expect(fields.read(HTTPHeaders(headers.map { ($0.name, $0.value) }), lastModified: .init(milliseconds: 0)) == kept)
        }
    }

    @Test(
        "A coding that the service adds is not the object's",
        arguments: [("gzip", "gzip"), ("aws-chunked", nil), ("aws-chunked, gzip", "gzip"), ("", nil)] as [(String, String?)])
    func codings(_ value: String, _ kept: String?) {
        let fields = MetadataFields(prefix: "x-meta-", maxSize: 2_000, addedCoding: "aws-chunked")
        #expect(fields.read(["content-encoding": value], lastModified: .init(milliseconds: 0)).contentEncoding == kept)
    }

    @Test("Checksums are also kept under the names that clients of buckets look for, if they are some")
    func checksums() {
        let fields = MetadataFields(prefix: "x-goog-meta-", maxSize: 2_000)
        var metadata = ObjectMetadata(upstreamURL: "https://origin.example.org/a", stored: Timestamp(milliseconds: 1_712_345_678_901))
        let (sha1, md5) = (String(repeating: "a", count: 40), String(repeating: "b", count: 32))
        metadata.originFields[.checksumSHA1] = sha1
        metadata.originFields[.checksumMD5] = md5
        func checksums() -> [String] { fields.headers(metadata).filter { $0.name.contains("-checksum-") }.map { "\($0.name) \($0.value)" } }
        #expect(checksums() == ["x-goog-meta-checksum-sha1 \(sha1)", "x-goog-meta-checksum-md5 \(md5)"])
        metadata.originFields[.checksumSHA1] = "none"
        #expect(checksums() == ["x-goog-meta-checksum-md5 \(md5)"])
    }

    @Test(
        "Fields that are signed are ASCII, and a file keeps its name",
        arguments: [
            ("attachment; filename=\"a b;c.bin\"", "attachment; filename=\"a b;c.bin\""), (" inline ;x", " inline ;x"),
            ("attachment; filename=\"café.bin\"", "attachment; filename*=UTF-8''caf%C3%A9.bin"),
            ("attachment;FileName = 日本;size=3 ", "attachment; size=3; filename*=UTF-8''%E6%97%A5%E6%9C%AC"),
            ("attachment; filename=\"a\\\";é\\\\.b\"; x=1", "attachment; x=1; filename*=UTF-8''a%22%3B%C3%A9%5C.b"),
            ("attachment; filename=\"\u{301};\"", "attachment; filename*=UTF-8''%CC%81%3B"),
            ("attachment; filename=\"é.b\"; filename*=UTF-8''%C3%A9.b", "attachment; filename*=UTF-8''%C3%A9.b"),
            ("attachment; filename=\"é", "attachment; filename*=UTF-8''%C3%A9"), ("attachment; filename*=UTF-8''é", nil), ("é", nil),
            ("attachment; é", nil), ("attachment; x=é", nil), ("é; filename=a", nil),
        ] as [(String, String?)])
    func disposition(_ value: String, _ expected: String?) {
        var metadata = ObjectMetadata(upstreamURL: "https://origin.example.org/a", stored: Timestamp(milliseconds: 1_712_345_678_901))
        metadata.contentDisposition = value
        let kept = MetadataFields(prefix: "x-meta-", maxSize: 2_000).kept(metadata)
        #expect(kept.contentDisposition == expected)
        #expect(MetadataFields(prefix: "x-meta-", maxSize: 2_000).kept(kept).contentDisposition == expected)
    }

    @Test(
        "A type that is not ASCII loses its parameters, or is none",
        arguments: [
            ("text/plain; a=é", "text/plain"), ("text/plain; a=b", "text/plain; a=b"), ("té/plain", "application/octet-stream"),
            ("té/plain; a=é", "application/octet-stream"), (";é", "application/octet-stream"),
        ])
    func mediaType(_ value: String, _ expected: String) {
        var metadata = ObjectMetadata(upstreamURL: "https://origin.example.org/a", stored: Timestamp(milliseconds: 1_712_345_678_901))
        metadata.contentType = value
        #expect(MetadataFields(prefix: "x-meta-", maxSize: 2_000).kept(metadata).contentType == expected)
    }

    @Test("Names are made of the words that a service allows, and are found again")
    func names() {
        let fields = MetadataFields(prefix: "x-ms-meta-", maxSize: 2_000, separator: "_", contentPrefix: "x-ms-blob-")
        let metadata = ObjectMetadata(
            contentType: "text/plain", contentEncoding: "gzip", contentDisposition: "inline", upstreamURL: "https://origin.example.org/a",
            upstreamETag: "\"e\"", stored: Timestamp(milliseconds: 1_712_345_678_901))
        let headers = fields.headers(metadata)
        #expect(
            headers.map(\.name) == [
                "x-ms-blob-content-type", "x-ms-blob-content-encoding", "x-ms-blob-content-disposition", "x-ms-meta-cloud_mirror_stored",
                "x-ms-meta-cloud_mirror_upstream_url", "x-ms-meta-cloud_mirror_upstream_etag",
            ])
        // The service gives an object's own fields back under their names.
        let answer = headers.map { ($0.name.replacing("x-ms-blob-", with: ""), $0.value) }
        #expect(fields.read(HTTPHeaders(answer), lastModified: .init(milliseconds: 0)) == metadata)
    }
}
