import MirrorCore
import MirrorNet
import MirrorStorage
import NIOCore

/// What talks to object storage.
struct StoreFuzz: FuzzedClient {
    static let clock = FuzzClock(longestPause: .seconds(15))

    /// By their ports: a store has one endpoint.
    private let stores: [Int: any ObjectStore]

    static func run(
        _ ports: [Int], _ body: (any FuzzedClient) async throws -> Void,
        store: (_ port: Int, _ http: ServiceClient) throws -> any ObjectStore
    ) async throws {
        try await ClientTarget.ServiceFuzz.withHTTP { http in
            var stores: [Int: any ObjectStore] = [:]
            for port in ports { stores[port] = try store(port, http) }
            try await body(StoreFuzz(stores: stores))
        }
    }

    func ask(port: Int, _ exchange: Exchange) async throws {
        guard let store = stores[port], let key = ObjectKey(String(repeating: "0a", count: 32) + "/a") else { return }
        switch exchange.method {
        case .get where exchange.pieces.count > 1:
            for try await _ in try await store.get(key, range: ByteRange(offset: 0, length: 5)).body {}
        case .get:
            let found = try await store.list(after: nil, limit: 10)
            try require(found.count <= 10, "\(found.count) objects")
        case .head:
            let info = try await store.head(key)
            try require(info.size >= 0, "\(info.size) bytes")
        case .put:
            // Several requests, to each of which the answer is the same.
            try? await upload(1, to: key, in: store)
        case .stream:
            try? await upload(2, to: key, in: store)
        }
    }

    private func upload(_ parts: Int, to key: ObjectKey, in store: any ObjectStore) async throws {
        let stored = Timestamp(milliseconds: 1_700_000_000_000)
        let part = ByteBuffer(repeating: 1, count: 4 << 10)
        let upload = try await store.beginUpload(key, metadata: ObjectMetadata(upstreamURL: "", stored: stored), expectedSize: nil)
        do {
            for number in 0..<parts {
                let place = UploadPart(number: number, offset: Int64(number * part.readableBytes), length: Int64(part.readableBytes))
                _ = try await upload.write(place, from: ByteStream(part))
            }
            guard let digest = Digest(.sha256, hex: String(repeating: "ab", count: 32)) else { return }
            _ = try await upload.complete(size: Int64(parts * part.readableBytes), sha256: digest)
        } catch {
            await upload.abort()
            throw error
        }
    }
}
