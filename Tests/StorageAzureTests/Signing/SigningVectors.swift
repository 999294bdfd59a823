import Foundation
import StorageCloud
import Testing

@testable import StorageAzure

/// What Microsoft's own library signs (folder Vectors).
enum SigningVectors {
    static let account = "mymirror"
    /// 0, 1, …, 63
    static let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw=="

    struct Request: Decodable {
        let name: String
        let method: String
        let path: String
        let query: [[String]]
        let headers: [[String]]
        let length: Int64
        let authorization: String
    }

    struct Address: Decodable {
        let name: String
        let container: String
        let blob: String
        let version: String?
        let snapshot: String?
        let https: Bool
        let byKey: Bool
        let query: String
    }

    static func requests() throws -> [Request] { try read("requests.json") }
    static func addresses() throws -> [Address] { try read("addresses.json") }

    static func sharedKey() throws -> SharedKey { try #require(SharedKey(account: account, base64: key)) }

    private static func read<Value: Decodable>(_ name: String) throws -> [Value] {
        let folder = try #require(Bundle.module.resourceURL).appendingPathComponent("Vectors")
        return try JSONDecoder().decode([Value].self, from: Data(contentsOf: folder.appendingPathComponent(name)))
    }
}

extension SignableRequest {
    init(_ vector: SigningVectors.Request) {
        self.init(
            method: vector.method, host: "mymirror.blob.core.windows.net", path: vector.path,
            query: vector.query.map { ($0.first ?? "", $0.last) }, headers: vector.headers.map { ($0.first ?? "", $0.last ?? "") })
    }
}
