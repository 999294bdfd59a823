import Foundation
import MirrorCore
import NIOCore
import StorageCloud
import TestServers
import Testing

@testable import StorageAzure

@Suite(
    .enabled(if: PythonPeer.isWanted, "azure-storage-blob is missing: set CLOUD_MIRROR_TEST_PYTHON, or use `make test`"),
    .timeLimit(.minutes(5)))
struct AzurePeerTests {
    private func answers<Question: Encodable, Answer: Decodable>(to questions: [Question]) async throws -> [Answer] {
        let folder = try #require(Bundle.module.resourceURL).appendingPathComponent("Vectors")
        return try await PythonPeer(script: folder.appendingPathComponent("azure_peer.py").path).answers(to: questions)
    }

    @Test func `1,000 generated requests get the signatures that Microsoft's package gives them`() async throws {
        let key = try SigningVectors.sharedKey()
        var generator = AzurePeerGenerator(seed: 21)
        let requests = (0..<1_000).map { _ in generator.request() }
        let signatures: [String] = try await answers(to: requests)
        for (request, theirs) in zip(requests, signatures) {
            let ours = SharedKeySigner.authorization(for: request.request, contentLength: request.length, key: key)
            #expect(ours == theirs, "\(request)")
        }
    }

    @Test func `1,000 generated addresses get the signatures that Microsoft's package gives them`() async throws {
        let key = try SigningVectors.sharedKey()
        let delegated = try UserDelegationKey(ByteBuffer(string: AzurePeerAddress.Delegation().document))
        var generator = AzurePeerGenerator(seed: 22)
        let addresses = (0..<1_000).map { _ in generator.address() }
        let queries: [[String: String]] = try await answers(to: addresses)
        for (address, theirs) in zip(addresses, queries) {
            let signature = address.signature
            let query = address.delegation == nil ? signature.query(signedBy: key) : signature.query(signedBy: delegated)
            var ours: [String: String] = [:]
            for item in query.split(separator: "&") {
                let parts = item.split(separator: "=", maxSplits: 1)
                try #require(parts.count == 2)
                ours[String(parts[0])] = PercentCoding.decode(parts[1])
            }
            #expect(ours == theirs, "\(address)")
        }
    }
}
