import MirrorStorage
import MirrorTesting
import StorageCloud
import TestServers
import Testing

@testable import StorageGCS

@Suite("Uploads in parts become one object, whatever the service answers", .timeLimit(.minutes(5)))
struct StoreCompletionTests {
    @Test("Where a completion states no checksum the object does, and must be as long as what was sent", arguments: [true, false])
    func looked(_ isOurs: Bool) async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: (5 << 20) + 1)
            let held = try StoreFixture.held(isOurs ? object : object.replaced(size: 5, seed: 1))
            try fixture.serve(object) { step, _, _ in
                switch step {
                case .complete: StoreFixture.xml("<CompleteMultipartUploadResult/>")
                case .head: held
                default: nil
                }
            }
            let upload = try await fixture.store.uploaded(object)
            if isOurs {
                _ = try await upload.complete(size: object.size, sha256: object.sha256)
                #expect(fixture.steps == [.create, .part, .part, .complete, .head, .publish, .delete])
            } else {
                try await requireStorageError(.unavailable, "complete") {
                    try await upload.complete(size: object.size, sha256: object.sha256)
                }
                #expect(fixture.requests(.publish).isEmpty)
            }
        }
    }

    @Test("A completion, or a publication, that answers 200 with an error is asked for again; what stays an error is one")
    func errorsInSuccess() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: (5 << 20) + 1)
            try fixture.serve(object) { step, number, _ in
                number == 1 && (step == .complete || step == .publish) ? StoreFixture.error(200, "InternalError") : nil
            }
            let upload = try await fixture.store.uploaded(object)
            #expect(try await upload.complete(size: object.size, sha256: object.sha256).etag == "\"published\"")
            #expect(fixture.steps == [.create, .part, .part, .complete, .complete, .publish, .publish, .delete])
        }
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: (5 << 20) + 1)
            try fixture.serve(object) { step, _, _ in step == .complete ? StoreFixture.error(200, "InvalidPart") : nil }
            let upload = try await fixture.store.uploaded(object)
            try await requireStorageError(.unavailable, "complete") {
                try await upload.complete(size: object.size, sha256: object.sha256)
            }
            #expect(fixture.requests(.complete).count == 1)
        }
    }

    @Test("A completion whose answer was lost is found in the object; not in one of another size", arguments: [true, false])
    func lostCompletion(_ isOurs: Bool) async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: (5 << 20) + 1)
            let held = try StoreFixture.held(isOurs ? object : object.replaced(size: 5, seed: 1))
            try fixture.serve(object) { step, number, _ in
                switch step {
                case .complete: number == 1 ? FakeBehavior.hangUp : StoreFixture.error(404, "NoSuchUpload")
                case .head: held
                default: nil
                }
            }
            let upload = try await fixture.store.uploaded(object)
            if isOurs {
                #expect(try await upload.complete(size: object.size, sha256: object.sha256).etag == "\"published\"")
            } else {
                try await requireStorageError(.unavailable, "complete") {
                    try await upload.complete(size: object.size, sha256: object.sha256)
                }
            }
        }
    }

    @Test("An upload that the service no longer has is begun anew by whoever asked for it")
    func forgotten() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: (5 << 20) + 1)
            try fixture.serve(object) { step, _, _ in
                switch step {
                case .complete: StoreFixture.error(404, "NoSuchUpload")
                case .head: FakeBehavior.status(404)
                default: nil
                }
            }
            let upload = try await fixture.store.uploaded(object)
            let error = try await requireStorageError(.unavailable, "complete") {
                try await upload.complete(size: object.size, sha256: object.sha256)
            }
            #expect(!error.mayRepeat)
            #expect(fixture.requests(.complete).count == 1)
        }
    }

    @Test("A publication whose answer was lost is found in the object; what somebody else published stays", arguments: [true, false])
    func lostPublication(_ isOurs: Bool) async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: (5 << 20) + 1)
            let held = try StoreFixture.held(isOurs ? object : object.replaced(size: (5 << 20) + 1, seed: 1), etag: "\"there\"")
            try fixture.serve(object) { step, number, _ in
                switch step {
                case .publish: number == 1 ? StoreFixture.error(500, "InternalError") : StoreFixture.error(412, "PreconditionFailed")
                case .head: held
                default: nil
                }
            }
            let upload = try await fixture.store.uploaded(object)
            if isOurs {
                let info = try await upload.complete(size: object.size, sha256: object.sha256, condition: .absent)
                #expect(info.etag == "\"there\"")
            } else {
                try await requireStorageError(.preconditionFailed, "complete") {
                    try await upload.complete(size: object.size, sha256: object.sha256, condition: .absent)
                }
            }
            #expect(fixture.steps.suffix(4) == [.publish, .publish, .head, .delete])
        }
    }

    @Test("Whoever comes second does not replace what is there, and leaves nothing behind")
    func second() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: (5 << 20) + 1)
            let held = try StoreFixture.held(object.replaced(size: (5 << 20) + 1, seed: 1))
            try fixture.serve(object) { step, _, _ in
                switch step {
                case .publish: StoreFixture.error(412, "PreconditionFailed")
                case .head: held
                default: nil
                }
            }
            let upload = try await fixture.store.uploaded(object)
            try await requireStorageError(.preconditionFailed, "complete") {
                try await upload.complete(size: object.size, sha256: object.sha256, condition: .absent)
            }
            #expect(fixture.steps == [.create, .part, .part, .complete, .publish, .head, .delete])
            try await requireStorageError(.invalidRequest, "again") {
                try await upload.complete(size: object.size, sha256: object.sha256)
            }
        }
    }

    @Test("A completion that failed goes on with what was put together, when it is tried again")
    func completedTwice() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: (5 << 20) + 1)
            try fixture.serve(object) { step, number, _ in
                step == .publish && number <= 5 ? StoreFixture.error(503, "SlowDown") : nil
            }
            let upload = try await fixture.store.uploaded(object)
            try await requireStorageError(.throttled, "complete") {
                try await upload.complete(size: object.size, sha256: object.sha256)
            }
            #expect(try await upload.complete(size: object.size, sha256: object.sha256).etag == "\"published\"")
            #expect(fixture.requests(.complete).count == 1)
            #expect(fixture.requests(.publish).count == 6)
        }
    }
}
