import MirrorCore
import MirrorState
import MirrorStorage
import TestServers
import Testing

@testable import MirrorEngine

/// A digest as an origin states it: right of the bytes `hello`, and wrong.
struct StatedField: Sendable, CustomTestStringConvertible {
    let name: String
    let right: String
    let wrong: String

    var testDescription: String { "\(name): \(right.prefix(24))" }

    // openssl dgst, crc32c of google-crc32c and crc64 of azure-storage-extensions, of "hello" and of "jello".
    static let all = [
        StatedField(name: "Content-MD5", right: "XUFAKrxLKna5cZ2REBfFkg==", wrong: "XUFAKrxLKna5cZ2REBfFkA=="),
        StatedField(
            name: "Repr-Digest", right: "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:",
            wrong: "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCA=:"),
        StatedField(
            name: "Repr-Digest",
            right: "sha-512=:m3HSJL1i83hdltRq0+o9czGb+8KJDKra4t/3JRlnPKcjI8PZm6XBHXx6zG4UuMXaDEZjR1wuXDre9G9zvN7AQw==:",
            wrong: "sha-512=:AAHSJL1i83hdltRq0+o9czGb+8KJDKra4t/3JRlnPKcjI8PZm6XBHXx6zG4UuMXaDEZjR1wuXDre9G9zvN7AQw==:"),
        StatedField(
            name: "Digest", right: "SHA-256=LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=",
            wrong: "SHA-256=LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCA="),
        StatedField(
            name: "Digest", right: "md5=XUFAKrxLKna5cZ2REBfFkg==,sha=qvTGHdzF6KLavt4PO0gs2a6pQ00=",
            wrong: "sha=AATGHdzF6KLavt4PO0gs2a6pQ00="),
        StatedField(name: "x-goog-hash", right: "crc32c=mnG7TA==", wrong: "crc32c=mnG7TQ=="),
        StatedField(
            name: "x-goog-hash", right: "crc32c=mnG7TA==,md5=XUFAKrxLKna5cZ2REBfFkg==",
            wrong: "crc32c=mnG7TA==,md5=XUFAKrxLKna5cZ2REBfFkA=="),
        StatedField(name: "x-amz-checksum-crc32c", right: "mnG7TA==", wrong: "mnG7TQ=="),
        StatedField(name: "x-amz-checksum-crc64nvme", right: "M3eFcAZSQlc=", wrong: "M3eFcAZSQlY="),
        StatedField(name: "x-amz-checksum-sha1", right: "qvTGHdzF6KLavt4PO0gs2a6pQ00=", wrong: "AATGHdzF6KLavt4PO0gs2a6pQ00="),
        StatedField(
            name: "x-amz-checksum-sha256", right: "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=",
            wrong: "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCA="),
    ]
}

@Suite("The copy path: digests that the origin states are checked", .timeLimit(.minutes(1)))
struct CopyDigestTests {
    private func hello(_ name: String, _ value: String) -> FakeBehavior {
        .text("hello").with { $0.headers.append((name, value)) }
    }

    @Test("Bytes that have the stated digest are taken", arguments: StatedField.all)
    func right(field: StatedField) async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.txt", hello(field.name, field.right))
            #expect(try await engine.ask("/a.txt").size == 5)
            #expect(engine.origin.requests.count == 1)
        }
    }

    @Test("Bytes that do not have the stated digest never become present", arguments: StatedField.all)
    func wrong(field: StatedField) async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.txt", hello(field.name, field.wrong))
            #expect(try await engine.ask("/a.txt").fallback == .copyFailed)
            #expect(engine.base.results.count == 3)
            #expect(engine.store.count(.complete) == 0)
            #expect(engine.store.count(.abort) == 3)
            #expect(try await !engine.isInPool("/a.txt"))
        }
    }

    @Test("A corruption on the way is healed by the next attempt")
    func heals() async throws {
        let digest = ("Content-MD5", "XUFAKrxLKna5cZ2REBfFkg==")
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.txt", .text("jello").with { $0.headers.append(digest) }, .text("hello").with { $0.headers.append(digest) })
            #expect(try await engine.ask("/a.txt").outcome == .wait)
            #expect(try await engine.read("/a.txt").bytes == Array("hello".utf8))
        }
    }

    @Test(
        "What is no digest of the whole, or is not understood, is not checked",
        arguments: [
            ("x-amz-checksum-crc32c", "AAAAAA==-3"), ("x-amz-checksum-sha256", "AAJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=-2"),
            ("Repr-Digest", "unixsum=:AAAA:"), ("Repr-Digest", "sha-256=AAAA"), ("Repr-Digest", "sha-256=:AAAA:"),
            ("x-goog-hash", "crc32c"),
            ("Content-MD5", "not base64"), ("x-amz-checksum-crc64nvme", "AAAAAAAAAAA=-3"),
        ])
    func ignored(name: String, value: String) async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.txt", hello(name, value))
            #expect(try await engine.ask("/a.txt").outcome == .wait)
        }
    }

    @Test("Of a copy in parts the digest of the whole is checked, and that of the first part's body is not taken for it")
    func ofParts() async throws {
        let body = FakeBody.generated(size: 200_000, seed: 1)
        let right = try body.sha256.fieldValue
        let wrong = try FakeBody.generated(size: 200_000, seed: 2).sha256.fieldValue
        try await EngineFixture.run { engine async throws in
            engine.origin.on(
                "/right.bin",
                .generated(size: 200_000).with {
                    $0.headers.append(("Repr-Digest", right))
                    $0.headers.append(("Content-MD5", "XUFAKrxLKna5cZ2REBfFkg=="))
                })
            engine.origin.on("/wrong.bin", .generated(size: 200_000).with { $0.headers.append(("Repr-Digest", wrong)) })
            #expect(try await engine.ask("/right.bin").outcome == .wait)
            #expect(engine.store.written.count == 4)
            #expect(try await engine.ask("/wrong.bin").fallback == .copyFailed)
            #expect(try await !engine.isInPool("/wrong.bin"))
        }
    }

    @Test("Google's hashes of what is stored are not expected of what was decompressed on the way out")
    func transcoded() async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on(
                "/a.txt",
                hello("x-goog-hash", "crc32c=AAAAAA==").with {
                    $0.headers.append(("x-goog-stored-content-encoding", "gzip"))
                })
            #expect(try await engine.ask("/a.txt").outcome == .wait)
        }
    }
}
