import Crypto
import Foundation
import MirrorCore
import StorageCloud
import TestServers
import Testing

@testable import StorageGCS

@Suite(
    .enabled(if: PythonPeer.isWanted, "google-cloud-storage is missing: set CLOUD_MIRROR_TEST_PYTHON, or use `make test`"),
    .timeLimit(.minutes(5)))
struct GooglePeerTests {
    private static func vector(_ name: String) throws -> URL {
        try #require(Bundle.module.resourceURL).appendingPathComponent("Vectors").appendingPathComponent(name)
    }

    /// Google's own client signs the same.
    private func signed(_ requests: [GooglePeerRequest]) async throws -> [String] {
        try await PythonPeer(script: Self.vector("google_peer.py").path).answers(to: requests)
    }

    @Test func `1,000 generated URLs are what Google's own client makes of them`() async throws {
        var generator = GooglePeerRequestGenerator(seed: 11)
        let requests = (0..<1_000).map { _ in generator.next() }
        for (request, theirs) in zip(requests, try await signed(requests)) {
            let signing = BlobSigning(
                account: request.email, address: try ArtifactURL("https://iam.example.org/"), token: "a-token", delegates: [])
            let address = try request.address(signedBy: .service(signing))
            let digest = Hex.encode(SHA256.hash(data: Data(address.stringToSign.utf8)))
            let ours = request.endpoint + address.target(signature: digest)
            #expect(ours == theirs, "\(request)")
        }
    }

    @Test func `the key of an account makes the signatures that it makes for Google's own client`() async throws {
        struct KeyFile: Decodable {
            let clientEmail: String
            let privateKey: String
        }
        let file = try Data(contentsOf: Self.vector("service_account.json"))
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let fields = try decoder.decode(KeyFile.self, from: file)
        let key = try AccountKey(
            email: fields.clientEmail, keyID: nil, tokenAddress: try ArtifactURL("https://oauth2.googleapis.com/token"),
            pem: fields.privateKey)
        var generator = GooglePeerRequestGenerator(seed: 12)
        let requests = (0..<20).map { _ in
            var request = generator.next()
            request.account = String(decoding: file, as: UTF8.self)
            return request
        }
        for (request, theirs) in zip(requests, try await signed(requests)) {
            let address = try request.address(signedBy: .key(key))
            let signature = Hex.encode(try key.signature(of: address.stringToSign))
            let ours = request.endpoint + address.target(signature: signature)
            #expect(ours == theirs, "\(request.key)")
        }
    }
}
