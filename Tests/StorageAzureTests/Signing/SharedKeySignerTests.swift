import StorageCloud
import Testing

@testable import StorageAzure

@Suite("Signatures with an account's key")
struct SharedKeySignerTests {
    @Test("are those of Microsoft's library")
    func vectors() throws {
        let key = try SigningVectors.sharedKey()
        for vector in try SigningVectors.requests() {
            let signed = SharedKeySigner.authorization(for: SignableRequest(vector), contentLength: vector.length, key: key)
            #expect(signed == vector.authorization, "\(vector.name)")
        }
    }

    @Test("cover a text that is the documentation's")
    func text() {
        // Azure Storage REST API, "Authorize with Shared Key", the example for Get Container Metadata, with the fields that are sent here.
        let request = SignableRequest(
            method: "GET", host: "myaccount.blob.core.windows.net", path: "/mycontainer",
            query: [("restype", "container"), ("comp", "metadata"), ("timeout", "20")],
            headers: [("x-ms-version", "2015-02-21"), ("x-ms-date", "Fri, 26 Jun 2015 23:39:12 GMT")])
        #expect(
            SharedKeySigner.stringToSign(request, contentLength: 0, account: "myaccount")
                == "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-version:2015-02-21\n"
                + "/myaccount/mycontainer\ncomp:metadata\nrestype:container\ntimeout:20")
    }

    @Test("need a key that is base64", arguments: ["", "?", "a b", "====", "AAA"])
    func keys(_ text: String) {
        #expect((SharedKey(account: "a", base64: text) == nil) == (text != "AAA"))
    }

    @Test("never show the key")
    func secrecy() throws {
        let key = try SigningVectors.sharedKey()
        var dumped = ""
        dump(key, to: &dumped)
        dump(AzureCredentials(key: key), to: &dumped)
        for text in ["\(key)", "\(AzureCredentials(key: key))", String(reflecting: AzureCredentials(key: key)), dumped] {
            #expect(text.contains("mymirror") && !text.contains("AAEC") && !text.contains("62, 63"), "\(text)")
        }
    }
}
