import MirrorCore
import NIOCore
import StorageCloud
import Synchronization
import TestServers

@testable import StorageGCS

/// A bucket in memory that a check can be run against. Its objects keep no bytes: all of them hold what a check writes.
final class ProbeServer: Sendable {
    struct Manners: Sendable {
        /// Of the bucket; `nil` where there is none.
        var resource: JSONValue?
        /// What is refused, of whoever has a token.
        var refused: Set<UploadStep> = []
        var letsEverybodyRead = true
        var takesSignatures = true
        var heedsConditions = true
        /// How far its clock is ahead.
        var ahead: Duration = .zero
    }

    private let manners: Manners
    private let objects = Mutex<Set<String>>([])

    private static let text = "Written by `cloud-mirror pools check`, which removes it. It may be deleted.\n"
    private static let hash = "crc32c=\(ObjectHashes([ByteBuffer(string: text)]).crc32c ?? "")"

    init(_ manners: Manners) {
        self.manners = manners
    }

    /// What is there, by path.
    var paths: Set<String> { objects.withLock { $0 } }

    func answer(_ request: FakeOrigin.Request) -> FakeBehavior {
        switch request.path {
        case "/": return FakeBehavior.status(400).with { $0.headers.append(("Date", (SystemClock().now + manners.ahead).httpDate)) }
        case "/storage/v1/b/bucket": return manners.resource.map { json($0) } ?? StoreFixture.jsonError(404, "notFound")
        case "/bucket" where request.method == "GET": return listing
        case let path where path.hasPrefix("/storage/"):
            let name = path.split(separator: "/").last.flatMap { PercentCoding.decode($0) } ?? ""
            objects.withLock { _ = $0.insert("/bucket/\(PercentCoding.encode(path: name))") }
            return json(.object(["done": .bool(true), "resource": .object([:])]))
        default: return object(UploadStep(request), request)
        }
    }

    private func json(_ value: JSONValue) -> FakeBehavior { .status(200, BucketServer.text(value)) }

    private var listing: FakeBehavior {
        let entries = paths.sorted().map { path in
            "<Contents><Key>\(PercentCoding.decode(path.dropFirst("/bucket/".count)) ?? "")</Key><Size>1</Size></Contents>"
        }
        return StoreFixture.xml("<ListBucketResult>\(entries.joined())</ListBucketResult>")
    }

    private func object(_ step: UploadStep, _ request: FakeOrigin.Request) -> FakeBehavior {
        if request.token != nil, manners.refused.contains(step) { return StoreFixture.error(403, "AccessDenied") }
        let done = FakeBehavior.status(200).with {
            $0.etag = "\"e\""
            $0.headers.append(("x-goog-hash", Self.hash))
        }
        switch step {
        case .head, .get:
            let isSigned = request.query.contains("X-Goog-Signature")
            guard request.token != nil || (isSigned ? manners.takesSignatures : manners.letsEverybodyRead) else {
                return StoreFixture.error(403, "AccessDenied")
            }
            guard paths.contains(request.path) else { return StoreFixture.error(404, "NoSuchKey") }
            return FakeBehavior.text(Self.text, etag: "\"e\"").with {
                $0.headers += [("x-goog-hash", Self.hash), ("x-goog-generation", "7")]
            }
        case .put, .publish, .complete:
            let isNew = objects.withLock { $0.insert(request.path).inserted }
            if !isNew, manners.heedsConditions, request.header("x-goog-if-generation-match") == "0" {
                return StoreFixture.error(412, "PreconditionFailed")
            }
            if step == .put { return done }
            return StoreFixture.xml(step == .publish ? "<CopyObjectResult><ETag>\"e\"</ETag></CopyObjectResult>" : "<Result/>").with {
                $0.headers.append(("x-goog-hash", Self.hash))
            }
        case .create: return StoreFixture.xml("<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>")
        case .part: return done
        case .delete:
            objects.withLock { _ = $0.remove(request.path) }
            return .status(204)
        case .abort: return .status(204)
        case .begin, .chunk, .status, .cancel, .other: return .status(400)
        }
    }
}
