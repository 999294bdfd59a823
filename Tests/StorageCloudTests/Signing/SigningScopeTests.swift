import StorageCloud
import Testing

@Suite("The scope of a signature of version 4")
struct SigningScopeTests {
    @Test("has the words of whose signature it is, and the key that follows from them")
    func dialects() {
        // IAM User Guide, "Example of how to derive a signing key": the HMAC of nothing, computed by Python's hmac.
        let amazon = SigningScope(
            .amazon, secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", day: "20120215", region: "us-east-1", service: "iam")
        #expect(amazon.text == "20120215/us-east-1/iam/aws4_request")
        #expect(amazon.signature(of: "") == "de9dfa831dc0cfb138762217e8afc1fd3e66df076b21d2bde5ff858bfc2e2575")
        let google = SigningScope(.google, secret: "secret", day: "20190201", region: "auto", service: "storage")
        #expect(google.text == "20190201/auto/storage/goog4_request")
        #expect(google.signature(of: "") == "d952053c8a91c9bfc992df8008feced9127ecbb3de892617968db4e50c9fba4b")
    }
}
