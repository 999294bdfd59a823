import MirrorCore
import MirrorStorage
import MirrorTesting
import NIOCore
import Synchronization
import TestServers
import Testing

@testable import StorageGCS

/// A call of a store, and how many requests a service gets for it that is ill for ever.
struct IllCall: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let requests: Int
    let make: @Sendable (StoreFixture, any ObjectStore, SampleObject) async throws -> Void

    init(_ name: String, _ requests: Int, make: @escaping @Sendable (StoreFixture, any ObjectStore, SampleObject) async throws -> Void) {
        testDescription = name
        self.requests = requests
        self.make = make
    }

    static let all = [
        IllCall("head", 4) { _, store, object in _ = try await store.head(object.key) },
        IllCall("get", 4) { _, store, object in _ = try await store.get(object.key, range: nil) },
        IllCall("list", 4) { _, store, _ in _ = try await store.list(after: nil, limit: 10) },
        IllCall("delete", 4) { _, store, object in try await store.delete(object.key) },
        IllCall("delete a batch", 4) { _, store, object in _ = try await store.delete([object.key]) },
        IllCall("write a part", 4) { _, store, object in
            let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
            _ = try await upload.write(UploadPart(number: 0, offset: 0, length: 5 << 20), from: ByteStream(object.slice(0, 5 << 20)))
        },
        IllCall("put", 5) { _, store, _ in _ = try await SampleObject(size: 10).put(into: store) },
        IllCall("copy", 5) { fixture, store, object in
            let source = CopySource(
                service: "gcs", endpoint: fixture.origin.url(""), region: "", bucket: "other", key: "k", size: object.size)
            _ = try await store.copy(object.key, from: source, metadata: object.metadata, condition: .absent)
        },
    ]
}

/// The numbers of docs/storage-backends.md, "How often a request is repeated".
@Suite("A service that is ill for ever gets a known number of requests", .timeLimit(.minutes(5)))
struct StoreRetryTests {
    static let failures = [(503, "SlowDown"), (429, ""), (500, "InternalError"), (500, "")]

    @Test("Each call has its number", arguments: failures, IllCall.all)
    func numbers(_ failure: (status: Int, code: String), _ call: IllCall) async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: (5 << 20) + 1)
            fixture.origin.on(everything: { _ in StoreFixture.error(failure.status, failure.code) })
            let store = try fixture.layered()
            await #expect(throws: StorageError.self) { try await call.make(fixture, store, object) }
            #expect(fixture.origin.requests.count == call.requests)
        }
    }

    @Test("The steps of a completion have five each", arguments: [(UploadStep.complete, 5), (.publish, 5), (.delete, 5)])
    func completion(_ ill: UploadStep, _ count: Int) async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: (5 << 20) + 1)
            try fixture.serve(object) { step, _, _ in step == ill ? StoreFixture.error(503, "SlowDown") : nil }
            let store = try fixture.layered()
            let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
            for part in object.parts(of: 5 << 20) {
                _ = try await upload.write(part, from: ByteStream(object.slice(part.offset, part.length ?? 0)))
            }
            if ill == .delete {
                // The object is there, and the bucket's lifecycle rule deletes what is left.
                _ = try await upload.complete(size: object.size, sha256: object.sha256)
            } else {
                try await requireStorageError(.throttled, "complete") {
                    try await upload.complete(size: object.size, sha256: object.sha256)
                }
            }
            #expect(fixture.requests(ill).count == count)
        }
    }

    @Test("A deletion whose connection breaks is not repeated: the service may still make it")
    func brokenDeletion() async throws {
        for isBatch in [true, false] {
            try await StoreFixture.run { fixture async throws in
                let object = try SampleObject(size: 1)
                fixture.origin.on(everything: { _ in .hangUp })
                let store = try fixture.layered()
                if isBatch {
                    try await requireStorageError(.timedOut, "batch") { try await store.delete([object.key]) }
                } else {
                    try await requireStorageError(.timedOut, "delete") { try await store.delete(object.key) }
                }
                #expect(fixture.origin.requests.count == 1)
            }
        }
    }

    /// Notes how long somebody pauses, and does not wait.
    private final class PauseClock: MirrorClock {
        private let noted = Mutex<[Duration]>([])

        var pauses: [Duration] { noted.withLock { $0 } }
        var now: Timestamp { SystemClock().now }
        var instant: ContinuousClock.Instant { .now }

        func sleep(until deadline: ContinuousClock.Instant) async throws { try await HastyClock().sleep(until: deadline) }

        func sleep(for duration: Duration) async throws {
            noted.withLock { $0.append(duration) }
            try await HastyClock().sleep(for: duration)
        }
    }

    @Test("The service says how long to wait, in seconds or with a time of its own clock", arguments: [true, false])
    func retryAfter(_ isTime: Bool) async throws {
        let clock = PauseClock()
        try await StoreFixture.run(clock: clock) { fixture async throws in
            let object = try SampleObject(size: 10)
            let headers: [(name: String, value: String)] =
                isTime
                ? [("Date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("Retry-After", "Sun, 06 Nov 1994 08:49:44 GMT")] : [("Retry-After", "7")]
            try fixture.serve(object) { step, number, _ in
                step == .put && number == 1 ? StoreFixture.error(429, "", headers: headers) : nil
            }
            _ = try await object.put(into: fixture.store)
            #expect(fixture.steps == [.put, .put])
            #expect(clock.pauses.contains { $0 >= .seconds(7) && $0 < .seconds(10) }, "\(clock.pauses)")
        }
    }
}
