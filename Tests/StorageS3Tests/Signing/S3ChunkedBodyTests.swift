import MirrorCore
import MirrorStorage
import NIOCore
import StorageCloud
import Synchronization
import Testing

@testable import StorageS3

@Suite struct S3ChunkedBodyTests {
    private let signer = SigningVectors.signer
    private let time = SigningVectors.time

    @Test(arguments: [66_560, 65_536, 65_535, 1_024, 1_000, 7, 100_000])
    func `bodies are signed as the documentation's examples are, however they arrive`(pieceSize: Int) async throws {
        for vector in try SigningVectors.chunked() {
            let payload = ChunkedPayload(decodedLength: 66_560, protection: .signed)
            let request = SignableRequest(
                method: "PUT", host: vector.host, path: vector.path, headers: vector.headers.map { ($0.first ?? "", $0.last ?? "") })
            let body = ByteStream(chunks: pieces(of: [UInt8](repeating: UInt8(ascii: "a"), count: 66_560), pieceSize))
            let signed = signer.sign(request, body: body, as: payload, at: time)

            let canonical = CanonicalRequest(signed.request, query: "", payloadHash: payload.contentSHA256)
            #expect(canonical.hash == vector.canonicalHash, "\(canonical.text)")
            #expect(signed.request.authorization["Signature"] == vector.seedSignature)
            let sent = try await bytes(of: signed.body)
            var expected = ""
            for (size, signature) in zip([65_536, 1_024, 0], vector.chunkSignatures) {
                expected += "\(String(size, radix: 16));chunk-signature=\(signature)\r\n\(String(repeating: "a", count: size))"
                if size > 0 { expected += "\r\n" }
            }
            #expect(sent.elementsEqual(Array((expected + "\r\n").utf8)), "\(vector.name)")
            #expect(Int64(sent.count) == payload.encodedLength)
            #expect(sent.count == vector.encodedLength)
        }
    }

    @Test func `the encoded length is known before, and what is decoded is what was encoded`() async throws {
        for length in [0, 1, 15, 16, 8_191, 8_192, 8_193, 65_535, 65_536, 65_537, 200_001] {
            let content = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
            for chunkSize in [8_192, 10_000, 65_536] {
                for protection in [ChunkedPayload.Protection.signed, .checked] {
                    let payload = ChunkedPayload(decodedLength: Int64(length), protection: protection, chunkSize: chunkSize)
                    let body = ByteStream(chunks: pieces(of: content, 4_321))
                    let request = SignableRequest(method: "PUT", host: "bucket.example.org", path: "/key")
                    let sent = try await bytes(of: signer.sign(request, body: body, as: payload, at: time).body)
                    #expect(Int64(sent.count) == payload.encodedLength, "\(length) \(chunkSize) \(protection)")
                    let decoded = try #require(ChunkDecoder.decode(sent))
                    #expect(decoded.content.elementsEqual(content), "\(length) \(chunkSize) \(protection)")
                    #expect(decoded.sizes.dropLast().allSatisfy { $0 == chunkSize })
                    var checksum = CRC32C()
                    content.withUnsafeBytes { checksum.update($0) }
                    #expect(decoded.trailers == (payload.isSigned ? [] : ["x-amz-checksum-crc32c:\(Base64.encode(checksum.bytes))"]))
                }
            }
        }
    }

    @Test func `the request says how its body is sent`() {
        let request = SignableRequest(method: "PUT", host: "bucket.example.org", path: "/key", headers: [("Content-Encoding", "gzip, br")])
        let payload = ChunkedPayload(decodedLength: 5, protection: .checked)
        var signed = signer.sign(request, payload: .chunked(payload), at: time)
        signed = signer.sign(signed, payload: .chunked(payload), at: time)
        #expect(signed.header("content-encoding") == "aws-chunked,gzip,br")
        #expect(signed.header("x-amz-decoded-content-length") == "5")
        #expect(signed.header("x-amz-trailer") == "x-amz-checksum-crc32c")
        #expect(signed.header("x-amz-content-sha256") == "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
        #expect(
            signed.authorization["SignedHeaders"]
                == "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-trailer")
    }

    @Test(arguments: [(10, 11), (10, 9), (10, 0), (0, 1), (65_536, 65_537), (65_537, 65_536)])
    func `a body of another length than stated is not sent to its end`(stated: Int, actual: Int) async throws {
        let payload = ChunkedPayload(decodedLength: Int64(stated), protection: .signed)
        let body = ByteStream(chunks: pieces(of: [UInt8](repeating: 7, count: actual), 40_000))
        let request = SignableRequest(method: "PUT", host: "bucket.example.org", path: "/key")
        var sent: [UInt8] = []
        let error = await #expect(throws: StorageError.self) {
            for try await chunk in signer.sign(request, body: body, as: payload, at: time).body {
                sent += Array(chunk.readableBytesView)
            }
        }
        #expect(error?.code == .invalidRequest)
        #expect(ChunkDecoder.decode(sent) == nil)
        #expect(Int64(sent.count) < payload.encodedLength)
    }

    @Test func `an error of the body underneath comes through`() async {
        struct Broken: Error {}
        let (stream, continuation) = AsyncThrowingStream<ByteBuffer, any Error>.makeStream()
        continuation.yield(ByteBuffer(string: "abc"))
        continuation.finish(throwing: Broken())
        let payload = ChunkedPayload(decodedLength: 10, protection: .checked)
        let request = SignableRequest(method: "PUT", host: "bucket.example.org", path: "/key")
        await #expect(throws: Broken.self) {
            for try await _ in signer.sign(request, body: stream, as: payload, at: time).body {}
        }
    }

    @Test func `no more of the body is taken than the chunk at hand needs`() async throws {
        let base = CountingBody(pieceSize: 1_024, pieces: 1_024)
        let payload = ChunkedPayload(decodedLength: 1 << 20, protection: .signed)
        let request = SignableRequest(method: "PUT", host: "bucket.example.org", path: "/key")
        var chunks = 0
        for try await chunk in signer.sign(request, body: base, as: payload, at: time).body {
            #expect(chunk.readableBytes < ChunkedPayload.defaultChunkSize + 256)
            chunks += 1
            if chunks <= 16 { #expect(base.taken.withLock { $0 } == chunks * 64) }
        }
        #expect(chunks == 17)
    }

    @Test func `sizes out of range are brought into it`() {
        #expect(ChunkedPayload(decodedLength: -1, protection: .signed).decodedLength == 0)
        #expect(ChunkedPayload(decodedLength: 1, protection: .signed, chunkSize: 1).chunkSize == 8_192)
        #expect(ChunkedPayload(decodedLength: .max, protection: .signed, chunkSize: 1).encodedLength > 1 << 60)
    }

    private func pieces(of content: [UInt8], _ size: Int) -> [ByteBuffer] {
        stride(from: 0, to: content.count, by: size).map { ByteBuffer(bytes: content[$0..<min($0 + size, content.count)]) }
    }

    private func bytes<Body: AsyncSequence>(of body: Body) async throws -> [UInt8] where Body.Element == ByteBuffer {
        var all: [UInt8] = []
        for try await chunk in body { all += Array(chunk.readableBytesView) }
        return all
    }
}

/// Reads a body in chunks, whether its signatures are right or not.
private enum ChunkDecoder {
    /// - Returns: `nil` unless the body is complete.
    static func decode(_ bytes: [UInt8]) -> (content: [UInt8], sizes: [Int], trailers: [String])? {
        var rest = bytes[...]
        var (content, sizes, trailers) = ([UInt8](), [Int](), [String]())
        while let line = readLine(&rest) {
            guard let size = Int(line.prefix { $0 != ";" }, radix: 16) else { return nil }
            guard size > 0 else {
                while let trailer = readLine(&rest) {
                    if trailer.isEmpty { return rest.isEmpty ? (content, sizes, trailers) : nil }
                    trailers.append(trailer)
                }
                return nil
            }
            guard rest.count >= size else { return nil }
            content += rest.prefix(size)
            sizes.append(size)
            rest = rest.dropFirst(size)
            guard readLine(&rest) == "" else { return nil }
        }
        return nil
    }

    private static func readLine(_ rest: inout ArraySlice<UInt8>) -> String? {
        guard let end = rest.firstIndex(of: UInt8(ascii: "\r")), rest[(end + 1)...].first == UInt8(ascii: "\n") else { return nil }
        defer { rest = rest[(end + 2)...] }
        return String(decoding: rest[..<end], as: UTF8.self)
    }
}

/// Counts how many of its pieces have been taken.
private final class CountingBody: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    let taken = Mutex(0)
    private let piece: ByteBuffer
    private let pieces: Int

    init(pieceSize: Int, pieces: Int) {
        piece = ByteBuffer(repeating: 1, count: pieceSize)
        self.pieces = pieces
    }

    struct AsyncIterator: AsyncIteratorProtocol {
        let body: CountingBody

        mutating func next() async -> ByteBuffer? {
            body.taken.withLock { taken in
                guard taken < body.pieces else { return nil }
                taken += 1
                return body.piece
            }
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(body: self) }
}
