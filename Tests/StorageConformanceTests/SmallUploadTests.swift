import Logging
import MirrorCore
import MirrorStorage
import MirrorTesting
import NIOCore
import TestServers
import Testing

@testable import StorageLocal

@Suite("Uploads of small objects into a directory")
struct SmallUploadTests {
    private func begin(_ object: SampleObject, in store: LocalStore) async throws -> any ObjectUpload {
        try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
    }

    private func writeAll(of object: SampleObject, to upload: any ObjectUpload) async throws {
        _ = try await upload.write(UploadPart(number: 0, offset: 0, length: object.size), from: ByteStream(object.bytes))
    }

    @Test("have no file before their end", arguments: [0, 1, Int(SmallUpload.maxSize)])
    func noFile(size: Int) async throws {
        try await withLocalStore { store, directory in
            let before = try directory.contents()
            let object = try SampleObject(size: size)
            let upload = try await begin(object, in: store)
            try await writeAll(of: object, to: upload)
            #expect(try directory.contents() == before)
            _ = try await upload.complete(size: object.size, sha256: object.sha256)
            #expect(try directory.contents("uploads") == [])
            #expect(try await store.get(object.key, range: nil).body.collect(upTo: 1 << 20) == object.bytes)
        }
    }

    @Test(
        "larger ones, and those of unknown size, have their file from the beginning", arguments: [nil, SmallUpload.maxSize + 1] as [Int64?])
    func notSmall(expectedSize: Int64?) async throws {
        try await withLocalStore { store, directory in
            let object = try SampleObject(size: 10)
            let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: expectedSize)
            #expect(try directory.contents("uploads").count == 1)
            await upload.abort()
        }
    }

    @Test("are read back from parts in any order, but not where bytes are missing")
    func reading() async throws {
        try await withLocalStore { store, _ in
            let object = try SampleObject(size: 1_000)
            let upload = try await begin(object, in: store)
            let parts = object.parts(of: 300)
            for part in [parts[3], parts[1], parts[0]] { _ = try await upload.write(part, from: object.stream(part)) }
            let range = try #require(ByteRange(offset: 100, length: 450))
            #expect(try await upload.read(range).collect(upTo: 1_000) == object.slice(100, 450))
            for missing in [ByteRange(offset: 590, length: 20), ByteRange(offset: 890, length: 20), ByteRange(offset: 990, length: 11)] {
                let missing = try #require(missing)
                try await requireStorageError(.invalidRequest, "\(missing)") { try await upload.read(missing) }
            }
            try await requireStorageError(.invalidRequest, "complete") {
                try await upload.complete(size: object.size, sha256: object.sha256)
            }
            _ = try await upload.write(parts[2], from: object.stream(parts[2]))
            _ = try await upload.complete(size: object.size, sha256: object.sha256)
            #expect(try await store.get(object.key, range: nil).body.collect(upTo: 1_000) == object.bytes)
        }
    }

    @Test("take no more bytes into memory than were announced")
    func tooLong() async throws {
        try await withLocalStore { store, _ in
            let object = try SampleObject(size: 10)
            let upload = try await begin(object, in: store)
            let longer = ByteStream(chunks: [ByteBuffer(repeating: 1, count: 6), ByteBuffer(repeating: 1, count: 5)])
            try await requireStorageError(.invalidRequest, "write") {
                try await upload.write(UploadPart(number: 0, offset: 0, length: nil), from: longer)
            }
            try await writeAll(of: object, to: upload)
            _ = try await upload.complete(size: object.size, sha256: object.sha256)
            #expect(try await store.get(object.key, range: nil).body.collect(upTo: 100) == object.bytes)
        }
    }

    @Test("leave no file when their end fails, and can be ended again")
    func failingEnd() async throws {
        try await withLocalStore { store, directory in
            let object = try SampleObject(size: 1_000)
            let upload = try await begin(object, in: store)
            try await writeAll(of: object, to: upload)
            let prefix = "files/\(object.key.hash.prefix(2))"
            try directory.remove(prefix)
            try directory.write("not a directory", to: prefix)
            try await requireStorageError(.permissionDenied, "complete") {
                try await upload.complete(size: object.size, sha256: object.sha256)
            }
            #expect(try directory.contents("uploads") == [])
            try directory.remove(prefix)
            _ = try await upload.complete(size: object.size, sha256: object.sha256)
            #expect(try await store.get(object.key, range: nil).body.collect(upTo: 1 << 20) == object.bytes)
        }
    }

    @Test("take nothing from an upload that has ended")
    func ended() async throws {
        try await withLocalStore { store, _ in
            let object = try SampleObject(size: 10)
            for isAborted in [false, true] {
                let upload = try await begin(object, in: store)
                try await writeAll(of: object, to: upload)
                if isAborted { await upload.abort() } else { _ = try await upload.complete(size: object.size, sha256: object.sha256) }
                try await requireStorageError(.invalidRequest, "write") { try await writeAll(of: object, to: upload) }
                try await requireStorageError(.invalidRequest, "complete") {
                    try await upload.complete(size: object.size, sha256: object.sha256)
                }
                let range = try #require(ByteRange(offset: 0, length: 1))
                try await requireStorageError(.invalidRequest, "read") { try await upload.read(range) }
            }
        }
    }

    @Test("a file is not published if it may not be at the last moment")
    func lastMoment() throws {
        struct Refusal: Error {}
        let directory = try TemporaryDirectory()
        let pool = try PoolDirectory(directory.path, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let key = try SampleObject(size: 1).key
        let file = try pool.createUpload("0.part")
        let before = try directory.contents()
        #expect(throws: Refusal.self) { try pool.publish(file, of: "0.part", as: key) { throw Refusal() } }
        #expect(try directory.contents() == before)
        try pool.publish(file, of: "0.part", as: key) {}
        #expect(try directory.contents("uploads") == [])
        #expect(directory.exists("files/\(key.hash.prefix(2))/\(key.hash)"))
    }
}
