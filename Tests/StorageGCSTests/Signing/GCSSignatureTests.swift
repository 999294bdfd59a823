import MirrorCore
import StorageCloud
import Testing

@testable import StorageGCS

@Suite("Signatures of version 4")
struct GCSSignatureTests {
    private static let keys = GCSKeys(
        accessID: "GOOGTS7C7FUP3AIRVJTE2BCDKINBTES3HC2GY5CBFJDCQ2SYHV6A6XXVTJFSA", secret: "bGoa+V7g/yqDXvKRqq+JTFn4uQZbPiQJo4pf9RzJ")
    /// 2019-02-01T09:00:00Z
    private static let time = Timestamp(milliseconds: 1_549_011_600_000)

    @Test("Signed addresses are those of Google's vectors")
    func vectors() throws {
        let key = try SigningVectors.key()
        let vectors = try SigningVectors.requests()
        #expect(vectors.count == 11)
        for vector in vectors {
            let time = try #require(Timestamp(rfc3339: vector.timestamp))
            let address = GCSSignedAddress(SignableRequest(vector), signer: .key(key), seconds: vector.expiration, from: time)
            #expect(address.stringToSign == vector.expectedStringToSign, "\(vector.name)")
            let target = address.target(signature: Hex.encode(try key.signature(of: address.stringToSign)))
            #expect("https://storage.googleapis.com\(target)" == vector.expectedUrl, "\(vector.name)")
        }
    }

    // What is expected below was computed with Python's hmac, because the vectors have none of these.

    @Test("With an HMAC key an address has its name, its algorithm and a signature by the key of the day")
    func address() throws {
        let request = SignableRequest(method: "GET", host: "storage.googleapis.com", path: "/test-bucket/test-object")
        let address = GCSSignedAddress(request, signer: .keys(Self.keys), seconds: 10, from: Self.time)
        #expect(
            address.stringToSign.split(separator: "\n").prefix(3) == [
                "GOOG4-HMAC-SHA256", "20190201T090000Z", "20190201/auto/storage/goog4_request",
            ])
        let signature = address.signature(of: Self.keys)
        #expect(signature == "06e2469dd0b4d731bfdc67b0d9612f8e76a1f2389359582973eb6f4f59835d1e")
        #expect(
            address.target(signature: signature).hasPrefix(
                "/test-bucket/test-object?X-Goog-Algorithm=GOOG4-HMAC-SHA256&X-Goog-Credential=\(Self.keys.accessID)%2F20190201%2F"))
        let end = "&X-Goog-Expires=10&X-Goog-SignedHeaders=host&X-Goog-Signature=\(signature)"
        #expect(address.target(signature: signature).hasSuffix(end))
    }

    @Test("With an HMAC key a request has a signature of its fields, its query and its body")
    func header() {
        let hash = "230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb5"
        let request = SignableRequest(
            method: "PUT", host: "storage.googleapis.com", path: "/test-bucket/a%20b/%C3%BC",
            query: [("uploads", nil), ("partNumber", "2")], headers: [("content-type", "text/plain"), ("X-Goog-Meta-A", " b   c ")])
        let signer = GCSHeaderSigner(keys: Self.keys)
        // The second is signed with the key that was kept.
        for _ in 0..<2 {
            let signed = signer.sign(request, payloadHash: hash, at: Self.time)
            #expect(signed.header("x-goog-date") == "20190201T090000Z")
            #expect(signed.header("x-goog-content-sha256") == hash)
            #expect(
                signed.header("authorization")
                    == "GOOG4-HMAC-SHA256 Credential=\(Self.keys.accessID)/20190201/auto/storage/goog4_request, "
                    + "SignedHeaders=content-type;host;x-goog-content-sha256;x-goog-date;x-goog-meta-a, "
                    + "Signature=ab3d7ee8eed6e5d242c2338b2407aa76a0d9ee1d01cf25743a78d195eb245562")
        }
    }

    @Test("No text of a holder of a key shows it")
    func secrecy() throws {
        let key = try SigningVectors.key()
        let credentials: [Any] = [
            Self.keys, key, URLSigner.keys(Self.keys), GCSCredentials(keys: Self.keys),
            GCSCredentials(.token("the-token"), signer: .key(key), owner: key.email),
        ]
        for held in credentials {
            var dumped = ""
            dump(held, to: &dumped)
            for text in ["\(held)", String(reflecting: held), dumped] {
                #expect(!text.contains(Self.keys.secret) && !text.contains("PRIVATE KEY") && !text.contains("the-token"), "\(text)")
            }
        }
    }
}
