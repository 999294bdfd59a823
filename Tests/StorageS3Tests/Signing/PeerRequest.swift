import Foundation
import MirrorCore
import StorageCloud
import TestServers

@testable import StorageS3

/// A generated request, as both sides get it: nothing of it is encoded yet.
struct PeerRequest: Encodable {
    var method = "GET"
    var scheme = "https"
    var host = ""
    var key = ""
    var query: [[String]] = []
    var headers: [[String]] = []
    /// Base64.
    var body = ""
    var contentSHA256: String?
    /// Seconds; of a presigned URL.
    var life: Int?
    var region = ""
    /// Seconds since 1970.
    var time: Int64 = 0
    var accessKeyID = ""
    var secretAccessKey = ""
    var sessionToken: String?

    var request: SignableRequest {
        SignableRequest(
            method: method, host: host, path: "/" + PercentCoding.encode(path: key), query: query.map { ($0[0], $0[1]) },
            headers: headers.map { ($0[0], $0[1]) })
    }

    var signer: S3Signer {
        S3Signer(
            credentials: S3Credentials(accessKeyID: accessKeyID, secretAccessKey: secretAccessKey, sessionToken: sessionToken),
            region: region)
    }

    var moment: Timestamp { Timestamp(milliseconds: time * 1_000) }
}

/// Makes requests that are awkward to sign; the same ones for the same seed.
struct PeerRequestGenerator {
    private var chance: AwkwardGenerator

    init(seed: UInt64) {
        chance = AwkwardGenerator(seed: seed)
    }

    mutating func header() -> PeerRequest {
        var request = common()
        request.method = chance.pick(["GET", "HEAD", "PUT", "POST", "DELETE"])
        for _ in 0..<chance.number(5) { request.query.append([name(), chance.text(chance.number(4))]) }
        if request.query.count > 1, chance.number(3) == 0 { request.query.append([request.query[0][0], chance.text(chance.number(3))]) }
        if ["PUT", "POST"].contains(request.method) {
            request.body = Data((0..<chance.number(2_000)).map { UInt8(truncatingIfNeeded: $0) }).base64EncodedString()
        }
        if chance.number(4) == 0 { request.contentSHA256 = "UNSIGNED-PAYLOAD" }
        return request
    }

    mutating func presigned() -> PeerRequest {
        var request = common()
        request.method = chance.pick(["GET", "HEAD", "PUT"])
        request.life = 1 + chance.number(604_800)
        // The peer keeps one of each name.
        var names: Set<String> = []
        for _ in 0..<chance.number(4) {
            let name = name()
            if names.insert(name).inserted { request.query.append([name, chance.text(chance.number(4))]) }
        }
        if chance.number(2) == 0 {
            request.query.append(["response-content-disposition", "attachment; filename=\"\(chance.text(2))\""])
        }
        return request
    }

    private mutating func common() -> PeerRequest {
        var request = PeerRequest()
        request.scheme = chance.pick(["https", "http"])
        request.host = chance.pick([
            "bucket.s3.eu-central-1.amazonaws.com", "s3.example.org", "127.0.0.1:8333", "[::1]:8333", "a.b.example.org:9000",
        ])
        request.key = chance.key()
        request.region = chance.pick(["us-east-1", "eu-central-1", "auto"])
        request.time = Int64(chance.number(4_000_000_000))
        request.accessKeyID = "AKIA\(chance.number(1_000_000))"
        request.secretAccessKey = "secret/+\(chance.number(1_000_000))ü"
        if chance.number(3) == 0 { request.sessionToken = "to/ken+==\(chance.number(1_000_000))" }
        let names = [
            "x-amz-meta-cloud-mirror-sha256", "X-Amz-Meta-A", "x-amz-meta-a", "x-amz-meta-a-b", "Content-Type", "Range", "If-None-Match",
            "x-amz-copy-source", "Cache-Control", "User-Agent", "Expect", "x-amz-acl", "X-AMZ-Z",
        ]
        for _ in 0..<chance.number(6) { request.headers.append([chance.pick(names), value()]) }
        return request
    }

    private mutating func name() -> String {
        chance.number(2) == 0
            ? chance.pick(["prefix", "uploads", "partNumber", "list-type", "x-id", "a", "a-b", "a b", "A", "max-keys"])
            : "n" + chance.text(1 + chance.number(2))
    }

    /// A field's value: no control characters, and only the blanks that fields have.
    private mutating func value() -> String {
        let pieces = ["a", "B", "  ", " ", "bytes=0-9", ",", ";", "=", "\"q  q\"", "ü", "日本", "%20", "+", "~"]
        return (0..<chance.number(5)).map { _ in chance.pick(pieces) }.joined()
    }
}
