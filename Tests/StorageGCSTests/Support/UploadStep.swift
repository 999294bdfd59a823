import MirrorStorage
import MirrorTesting
import Synchronization
import TestServers

/// What a request of an upload is for.
enum UploadStep: String, Sendable {
    case put, create, part, complete, abort, begin, chunk, status, cancel, publish, head, get, delete, other

    init(_ request: FakeOrigin.Request) {
        let query = request.query
        switch request.method {
        case "HEAD": self = .head
        case "GET": self = .get
        case "DELETE" where query.contains("upload_id"): self = .cancel
        case "DELETE": self = query.contains("uploadId") ? .abort : .delete
        case "POST" where request.header("x-goog-resumable") == "start": self = .begin
        case "POST" where query == "uploads": self = .create
        case "POST" where query.contains("uploadId"): self = .complete
        case "PUT" where query.contains("upload_id"): self = request.header("content-range") == "bytes */*" ? .status : .chunk
        case "PUT" where query.contains("partNumber"): self = .part
        case "PUT": self = request.header("x-goog-copy-source") == nil ? .put : .publish
        default: self = .other
        }
    }
}

extension StoreFixture {
    typealias StepAnswer = @Sendable (_ step: UploadStep, _ number: Int, _ request: FakeOrigin.Request) -> FakeBehavior?

    private final class StepCounts: Sendable {
        private let counts = Mutex<[UploadStep: Int]>([:])

        func next(_ step: UploadStep) -> Int {
            counts.withLock { counts in
                counts[step, default: 0] += 1
                return counts[step, default: 0]
            }
        }
    }

    /// Takes the upload of an object as the service does, except where `answer` knows better. It keeps no bytes.
    func serve(_ object: SampleObject, _ answer: @escaping StepAnswer = { _, _, _ in nil }) throws {
        let counts = StepCounts()
        let (held, hash, session) = (try Self.held(object), "crc32c=\(object.crc32c)", origin.url("/upload/here?upload_id=s%2F1"))
        origin.on(everything: { request in
            let step = UploadStep(request)
            return answer(step, counts.next(step), request) ?? Self.usual(step, request, held, hash, session)
        })
    }

    private static func usual(
        _ step: UploadStep, _ request: FakeOrigin.Request, _ held: FakeBehavior, _ hash: String, _ session: String
    ) -> FakeBehavior {
        let done = FakeBehavior.status(200).with {
            $0.etag = "\"\(step.rawValue)\""
            $0.headers.append(("x-goog-hash", hash))
        }
        switch step {
        case .put: return done
        case .create: return xml("<InitiateMultipartUploadResult><UploadId>id/1+</UploadId></InitiateMultipartUploadResult>")
        case .part:
            return FakeBehavior.status(200).with {
                $0.etag = "\"p\(request.item("partNumber") ?? "")\""
                if let hash = request.header("x-goog-hash") { $0.headers.append(("x-goog-hash", hash)) }
            }
        case .complete:
            return xml("<CompleteMultipartUploadResult><ETag>\"c\"</ETag></CompleteMultipartUploadResult>").with {
                $0.headers.append(("x-goog-hash", hash))
            }
        case .begin: return FakeBehavior.status(201).with { $0.headers.append(("Location", session)) }
        case .chunk:
            let range = (request.header("content-range") ?? "").dropFirst("bytes ".count)
            let ends = range.split(separator: "/")
            guard ends.count == 2, ends[1] == "*" else { return done }
            return incomplete(ends[0].split(separator: "-").last.flatMap { Int64($0) })
        case .status: return incomplete(nil)
        case .publish: return xml("<CopyObjectResult><ETag>\"published\"</ETag></CopyObjectResult>")
        case .head, .get: return held
        case .abort, .delete: return .status(204)
        case .cancel: return .status(499)
        case .other: return .status(400)
        }
    }

    /// "Resume Incomplete".
    ///
    /// - Parameter last: The last byte that the service has; `nil` if it has none.
    static func incomplete(_ last: Int64?) -> FakeBehavior {
        FakeBehavior.status(308).with { if let last { $0.headers.append(("Range", "bytes=0-\(last)")) } }
    }

    var steps: [UploadStep] { origin.requests.map { UploadStep($0) } }

    func requests(_ step: UploadStep) -> [FakeOrigin.Request] { origin.requests.filter { UploadStep($0) == step } }
}

extension ObjectStore {
    /// An upload of all parts of an object, which are written in parallel, the last one first.
    func uploaded(_ object: SampleObject) async throws -> any ObjectUpload {
        let upload = try await beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for part in object.parts(of: 5 << 20).reversed() {
                group.addTask { _ = try await upload.write(part, from: object.stream(part)) }
            }
            try await group.waitForAll()
        }
        return upload
    }
}
