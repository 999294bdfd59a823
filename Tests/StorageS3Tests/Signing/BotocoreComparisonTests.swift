import Foundation
import MirrorCore
import MirrorStorage
import NIOCore
import StorageCloud
import TestServers
import Testing

@testable import StorageS3

@Suite(
    .enabled(if: PythonPeer.isWanted, "botocore is missing: set CLOUD_MIRROR_TEST_PYTHON, or use `make test`"), .timeLimit(.minutes(5)))
struct BotocoreComparisonTests {
    @Test func `600 generated requests get the signatures that botocore gives them`() async throws {
        var generator = PeerRequestGenerator(seed: 3)
        let requests = (0..<600).map { _ in generator.header() }
        for (request, theirs) in zip(requests, try await BotocorePeer.answers(to: requests)) {
            let body = try #require(Data(base64Encoded: request.body))
            let payload = request.contentSHA256 == nil ? PayloadHash(of: [ByteBuffer(bytes: body)]) : .unsigned
            let ours = request.signer.sign(request.request, payload: payload, at: request.moment).header("authorization")
            #expect(ours == theirs, "\(request)")
        }
    }

    @Test func `600 generated URLs get the signatures that botocore gives them`() async throws {
        var generator = PeerRequestGenerator(seed: 4)
        let requests = (0..<600).map { _ in generator.presigned() }
        for (request, theirs) in zip(requests, try await BotocorePeer.answers(to: requests)) {
            let life = Duration.seconds(request.life ?? 0)
            let signer = request.signer
            let target = signer.presignedTarget(request.request, life: life, at: request.moment)
            // The order of a query's items is everybody's own; what they are is not.
            let expected = try parts(of: theirs)
            let ours = try parts(of: "\(request.scheme)://\(request.host)\(target)")
            #expect(ours == expected, "\(request)")
        }
    }

    @Test func `requests with a checksum behind the body get the signatures that botocore gives them`() async throws {
        var generator = PeerRequestGenerator(seed: 5)
        let cases = (0..<100).map { number in
            (generator.header(), ChunkedPayload(decodedLength: Int64(number) * 1_000, protection: number % 2 == 0 ? .signed : .checked))
        }
        let questions = cases.map { request, payload in
            var request = request
            var headers = [
                ["content-encoding", "aws-chunked"], ["X-Amz-Decoded-Content-Length", "\(payload.decodedLength)"],
            ]
            if !payload.isSigned { headers.append(["X-Amz-Trailer", "x-amz-checksum-crc32c"]) }
            request.headers += headers
            request.contentSHA256 = payload.contentSHA256
            request.body = ""
            return request
        }
        for ((request, payload), theirs) in zip(cases, try await BotocorePeer.answers(to: questions)) {
            let ours = request.signer.sign(request.request, payload: .chunked(payload), at: request.moment).header("authorization")
            #expect(ours == theirs, "\(request)")
        }
    }

    @Test func `bodies with a checksum behind them are the bytes that botocore sends`() async throws {
        struct Question: Encodable {
            let chunked: Int
            let body: String
        }
        var questions: [Question] = []
        for length in [0, 1, 8_191, 8_192, 8_193, 65_536, 200_000] {
            let body = Data((0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7) }).base64EncodedString()
            questions += [Question(chunked: 8_192, body: body), Question(chunked: 65_536, body: body)]
        }
        let signer = SigningVectors.signer
        let request = SignableRequest(method: "PUT", host: "bucket.example.org", path: "/key")
        for (question, theirs) in zip(questions, try await BotocorePeer.answers(to: questions)) {
            let content = try #require(Data(base64Encoded: question.body))
            let payload = ChunkedPayload(decodedLength: Int64(content.count), protection: .checked, chunkSize: question.chunked)
            let body = ByteStream(ByteBuffer(bytes: content))
            let signed = signer.sign(request, body: body, as: payload, at: SigningVectors.time)
            let ours = try await ByteStream(signed.body).collect(upTo: 1 << 20)
            #expect(Data(ours.readableBytesView).base64EncodedString() == theirs, "\(content.count) in \(question.chunked)")
        }
    }

    /// Everything before the query, and the query's items as they stand there.
    private func parts(of url: String) throws -> [String] {
        let halves = url.split(separator: "?", maxSplits: 1).map(String.init)
        try #require(halves.count == 2)
        return [halves[0]] + halves[1].split(separator: "&").map(String.init).sorted()
    }
}
