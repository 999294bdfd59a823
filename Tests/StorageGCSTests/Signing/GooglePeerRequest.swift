import MirrorCore
import StorageCloud
import TestServers

@testable import StorageGCS

/// A generated URL to sign, as both sides get it: nothing of it is encoded yet.
struct GooglePeerRequest: Encodable {
    var endpoint = ""
    var method = ""
    var bucket = "bucket"
    var key = ""
    var query: [[String]] = []
    var headers: [[String]] = []
    var seconds: Int64 = 0
    /// Seconds since 1970.
    var time: Int64 = 0
    var email = ""
    /// The key file of an account that signs.
    var account: String?

    private var server: GCSEndpoint {
        get throws { GCSEndpoint(try ArtifactURL(endpoint + "/")) }
    }

    func address(signedBy signer: URLSigner) throws -> GCSSignedAddress {
        let server = try server
        let request = SignableRequest(
            method: method, host: server.authority, path: server.path(ofKey: key, in: bucket), query: query.map { ($0[0], $0[1]) },
            headers: headers.map { ($0[0], $0[1]) })
        return GCSSignedAddress(request, signer: signer, seconds: seconds, from: Timestamp(milliseconds: time * 1_000))
    }
}

/// Makes URLs that are awkward to sign; the same ones for the same seed.
struct GooglePeerRequestGenerator {
    private var chance: AwkwardGenerator

    init(seed: UInt64) {
        chance = AwkwardGenerator(seed: seed)
    }

    mutating func next() -> GooglePeerRequest {
        var request = GooglePeerRequest()
        request.endpoint = chance.pick([
            "https://storage.googleapis.com", "https://storage.example.org:8443", "http://127.0.0.1:9000", "http://[::1]:9000",
        ])
        request.method = chance.pick(["GET", "HEAD", "PUT", "POST", "DELETE"])
        request.key = chance.key()
        request.seconds = Int64(1 + chance.number(604_800))
        request.time = Int64(chance.number(4_000_000_000))
        request.email = "mirror-\(chance.number(1_000_000))@project.iam.gserviceaccount.com"
        // No name begins with another: the peer sorts names with their values, and Google without.
        for number in 0..<chance.number(4) {
            request.query.append(["\(number)\(chance.text(chance.number(3)))", chance.text(chance.number(4))])
        }
        if chance.number(2) == 0 { request.query.append(["generation", "\(chance.number(4_000_000_000))"]) }
        if chance.number(2) == 0 {
            request.query.append(["response-content-disposition", "attachment; filename=\"\(chance.text(2))\""])
        }
        for name in ["x-goog-meta-a", "X-Goog-Meta-A-b", "Content-Type", "x-goog-if-generation-match", "X-Goog-Resumable"] {
            if chance.number(3) == 0 { request.headers.append([name, value()]) }
        }
        return request
    }

    /// A field's value: ASCII, and only the blanks that fields have.
    private mutating func value() -> String {
        let pieces = ["a", "B", "  ", " ", "bytes=0-9", ",", ";", "=", "\"q  q\"", "%20", "+", "~"]
        return (0..<chance.number(5)).map { _ in chance.pick(pieces) }.joined()
    }
}
