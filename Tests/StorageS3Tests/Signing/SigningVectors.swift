import Foundation
import MirrorCore
import StorageCloud
import Testing

@testable import StorageS3

/// The examples of Amazon's documentation (folder Vectors).
enum SigningVectors {
    static let credentials = S3Credentials(
        accessKeyID: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    static let region = "us-east-1"
    /// 2013-05-24T00:00:00Z
    static let time = Timestamp(milliseconds: 1_369_353_600_000)
    static let signer = S3Signer(credentials: credentials, region: region)

    struct Request: Decodable {
        let name: String
        let method: String
        let host: String
        let key: String
        let query: [[String?]]
        let headers: [[String]]
        let body: String?
        let life: Int?
        let signedHeaders: String
        let canonicalHash: String
        let signature: String
    }

    struct Chunked: Decodable {
        let name: String
        let host: String
        let path: String
        let headers: [[String]]
        let canonicalHash: String
        let seedSignature: String
        let chunkSignatures: [String]
        let encodedLength: Int
    }

    static func requests() throws -> [Request] { try read("requests.json") }
    static func chunked() throws -> [Chunked] { try read("chunked.json") }

    static func url(_ name: String) throws -> URL {
        try #require(Bundle.module.resourceURL).appendingPathComponent("Vectors").appendingPathComponent(name)
    }

    private static func read<Value: Decodable>(_ name: String) throws -> [Value] {
        try JSONDecoder().decode([Value].self, from: Data(contentsOf: url(name)))
    }
}

extension S3Signer {
    /// The request that whoever has the URL sends.
    func presign(_ request: SignableRequest, life: Duration, at time: Timestamp) -> SignableRequest {
        var presigned = request
        let query = presignedTarget(request, life: life, at: time).split(separator: "?", maxSplits: 1)[1]
        presigned.query = query.split(separator: "&").map { item -> (name: String, value: String?) in
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map { PercentCoding.decode($0) ?? "" }
            return (parts[0], parts[1])
        }
        return presigned
    }
}

extension SignableRequest {
    init(_ vector: SigningVectors.Request) {
        self.init(
            method: vector.method, host: vector.host, path: "/" + PercentCoding.encode(path: vector.key),
            query: vector.query.map { ($0.first.flatMap { $0 } ?? "", $0.last.flatMap { $0 }) },
            headers: vector.headers.map { ($0.first ?? "", $0.last ?? "") })
    }

    /// The parts of an `authorization` field: `Credential`, `SignedHeaders` and `Signature`.
    var authorization: [String: String] {
        let text = header("authorization") ?? ""
        let parts = text.drop { $0 != " " }.split(separator: ",").map { $0.drop { $0 == " " }.split(separator: "=", maxSplits: 1) }
        return Dictionary(parts.map { (String($0.first ?? ""), String($0.last ?? "")) }) { first, _ in first }
    }

    func queryValue(_ name: String) -> String? {
        query.first { $0.name == name }?.value
    }
}
