import MirrorCore
import MirrorEngine
import MirrorStorage
import NIOCore
import Synchronization

/// A bucket of artifacts under `bucket://private/…`, which nobody may read without its credentials.
final class FakeBucket: BucketOrigin {
    struct Object: Sendable {
        var bytes: [UInt8]
        var etag: String? = "\"v1\""
        var status = 200
        /// Instead of `status`, of HEAD alone.
        var headStatus: Int?
        var headers: [(name: String, value: String)] = []
    }

    let name = "private"
    private let region: String
    private let objects: [String: Object]
    private let answer: Script
    private let seen = Mutex<[String]>([])
    private let read = Mutex(0)
    private let failure = Mutex<StorageError?>(nil)
    private let locationHook = Mutex<(@Sendable () async -> Void)?>(nil)

    /// Changes what GET answers.
    typealias Script = @Sendable (_ range: ByteRange?, _ answer: inout BucketAnswer) -> Void

    init(_ objects: [String: Object], region: String = "somewhere", answer: @escaping Script = { _, _ in }) {
        self.objects = objects
        self.region = region
        self.answer = answer
    }

    /// Throws this from now on, whatever it is asked.
    func fail(_ error: StorageError) { failure.withLock { $0 = error } }

    /// Does this before a location is given.
    func beforeLocation(do hook: @escaping @Sendable () async -> Void) { locationHook.withLock { $0 = hook } }

    /// `HEAD key` and `GET key range`, in the order in which they came.
    var requests: [String] { seen.withLock { $0 } }

    /// How often a URL was read.
    var readings: Int { read.withLock { $0 } }

    func artifact(_ url: String) -> ArtifactURL? {
        read.withLock { $0 += 1 }
        for prefix in ["bucket://private/", "https://private.bucket.example.org/", "https://bucket.example.org/private/"] {
            guard url.hasPrefix(prefix) else { continue }
            let key = url.dropFirst(prefix.count).prefix { $0 != "?" }
            return try? ArtifactURL("https://bucket.example.org/private/\(key)")
        }
        return nil
    }

    func open(_ artifact: ArtifactURL, range: ByteRange?, ifMatch: String?) async throws -> BucketAnswer {
        if let failure = failure.withLock({ $0 }) { throw failure }
        var answer = truth(artifact, range: range, ifMatch: ifMatch)
        self.answer(range, &answer)
        return answer
    }

    private func truth(_ artifact: ArtifactURL, range: ByteRange?, ifMatch: String?) -> BucketAnswer {
        let key = key(artifact)
        seen.withLock { $0.append("GET \(key)\(range.map { " \($0.offset)-\($0.end - 1)" } ?? "")") }
        guard let object = objects[key] else { return BucketAnswer(status: 404, headers: [], body: ByteStream(chunks: [])) }
        guard object.status == 200 else { return BucketAnswer(status: object.status, headers: [], body: ByteStream(chunks: [])) }
        if let ifMatch, ifMatch != object.etag { return BucketAnswer(status: 412, headers: [], body: ByteStream(chunks: [])) }
        var headers = object.headers
        if let etag = object.etag { headers.append(("ETag", etag)) }
        guard let range, let held = range.clamped(toSize: Int64(object.bytes.count)) else {
            headers.append(("Content-Length", "\(object.bytes.count)"))
            return BucketAnswer(
                status: range == nil ? 200 : 416, headers: headers, body: ByteStream(ByteBuffer(bytes: range == nil ? object.bytes : [])))
        }
        headers.append(("Content-Range", "bytes \(held.offset)-\(held.end - 1)/\(object.bytes.count)"))
        return BucketAnswer(
            status: 206, headers: headers, body: ByteStream(ByteBuffer(bytes: object.bytes[Int(held.offset)..<Int(held.end)])))
    }

    func head(_ artifact: ArtifactURL) async throws -> BucketAnswer {
        let key = key(artifact)
        seen.withLock { $0.append("HEAD \(key)") }
        if let failure = failure.withLock({ $0 }) { throw failure }
        guard let object = objects[key] else { return BucketAnswer(status: 404, headers: [], body: ByteStream(chunks: [])) }
        var headers = object.headers
        if let etag = object.etag { headers.append(("ETag", etag)) }
        headers.append(("Content-Length", "\(object.bytes.count)"))
        return BucketAnswer(status: object.headStatus ?? object.status, headers: headers, body: ByteStream(chunks: []))
    }

    func source(of artifact: ArtifactURL, _ answer: BucketAnswer) -> CopySource? {
        guard let object = objects[key(artifact)] else { return nil }
        return CopySource(
            service: "bucket", endpoint: "https://bucket.example.org", region: region, bucket: name, key: key(artifact),
            size: Int64(object.bytes.count), etag: object.etag)
    }

    func location(of artifact: ArtifactURL, life: Duration) async throws -> ObjectLocation {
        await locationHook.withLock { $0 }?()
        return ObjectLocation(url: "\(artifact)?signature=1")
    }

    func bytes(of source: CopySource) -> [UInt8]? { objects[source.key].map(\.bytes) }

    private func key(_ artifact: ArtifactURL) -> String { String(artifact.path.dropFirst("/private/".count)) }
}
