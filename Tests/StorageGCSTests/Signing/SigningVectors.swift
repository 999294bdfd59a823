import Foundation
import MirrorCore
import StorageCloud
import Testing

@testable import StorageGCS

/// Google's test vectors (folder Vectors).
enum SigningVectors {
    struct Request: Decodable {
        let name: String
        let method: String
        let bucket: String
        let object: String?
        let expiration: Int64
        let timestamp: String
        let headers: [String: String]?
        let queryParameters: [String: String]?
        let expectedUrl: String
        let expectedStringToSign: String

        private enum CodingKeys: String, CodingKey {
            case name = "description"
            case method, bucket, object, expiration, timestamp, headers, queryParameters, expectedUrl, expectedStringToSign
        }
    }

    private struct File: Decodable {
        let signingV4Tests: [Request]
    }

    static func requests() throws -> [Request] {
        try JSONDecoder().decode(File.self, from: Data(contentsOf: url("v4_signatures.json"))).signingV4Tests
    }

    private static func url(_ name: String) throws -> URL {
        try #require(Bundle.module.resourceURL).appendingPathComponent("Vectors").appendingPathComponent(name)
    }

    /// The document with the account's key.
    static func account() throws -> [String: JSONValue] {
        guard case .object(let members)? = JSONValue(parsing: try Data(contentsOf: url("service_account.json"))) else { throw NoAccount() }
        return members
    }

    private struct NoAccount: Error {}

    /// The account's key.
    static func key(tokenAddress: String = "https://oauth2.googleapis.com/token") throws -> AccountKey {
        let account = try account()
        return try AccountKey(
            email: account["client_email"]?.string ?? "", keyID: account["private_key_id"]?.string,
            tokenAddress: ArtifactURL(tokenAddress), pem: account["private_key"]?.string ?? "")
    }
}

extension SignableRequest {
    init(_ vector: SigningVectors.Request) {
        let object = vector.object.map { "/\(PercentCoding.encode(path: $0))" } ?? ""
        self.init(
            method: vector.method, host: "storage.googleapis.com", path: "/\(vector.bucket)\(object)",
            query: (vector.queryParameters ?? [:]).map { (name: $0.key, value: $0.value) },
            headers: (vector.headers ?? [:]).map { (name: $0.key, value: $0.value) })
    }
}
