import Foundation
import MirrorCore
import MirrorStorage
import MirrorSystem
import MirrorTesting
import NIOCore
import TestServers
import Testing

@testable import StorageLocal

@Suite("The store in a directory and the space on its file system")
struct LocalStoreSpaceTests {
    @Test("refuses uploads that would take what is to stay free, and says in its health check where that is all there is")
    func reserve() async throws {
        let directory = try TemporaryDirectory()
        let store = try await LocalStore.open(directory: directory.path, region: "test", minFreeBytes: .max)
        let object = try SampleObject(size: 10)
        try await requireStorageError(.full, "beginUpload") { try await object.put(into: store) }
        let error = try await requireStorageError(.full, "checkHealth") { try await store.checkHealth() }
        #expect(error.message.contains("use a larger one, or lower minFreeBytes"))
        #expect(error.message.contains(directory.path))
        #expect(try directory.contents("uploads") == [])
    }

    @Test("refuses at once an upload that is larger than the file system")
    func expectedSize() async throws {
        try await withLocalStore { store, directory in
            let object = try SampleObject(size: 10)
            try await requireStorageError(.full, "beginUpload") {
                try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: .max)
            }
            #expect(try directory.contents("uploads") == [])
        }
    }

    #if os(Linux)
        @Test(
            "little free space is not a fault, and an upload says how much is missing",
            .enabled(if: Privileges.mounts, "mounting needs root"))
        func littleSpace() async throws {
            let directory = try TemporaryDirectory()
            try #require(mount("tmpfs", directory.path, "tmpfs", 0, "size=4m") == 0)
            defer { umount2(directory.path, Int32(MNT_DETACH)) }
            let store = try await LocalStore.open(directory: directory.path, region: "test", minFreeBytes: 2 << 20)
            try directory.write([UInt8](repeating: 0, count: 3 << 20), to: "other")
            try await store.checkHealth()
            let object = try SampleObject(size: 500_000)
            for size in [nil, 500_000] as [Int64?] {
                let error = try await requireStorageError(.full, "beginUpload") {
                    try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: size)
                }
                // A few blocks are the directories'.
                let said = try #require(error.missingBytes)
                #expect(((1 << 20)...(1 << 20) + 65_536).contains(said), "\(said)")
            }
        }

        @Test(
            "what is stated takes no space: blocks are reserved a little ahead of what comes, in every part, and given back",
            .enabled(if: Privileges.mounts, "mounting needs root"))
        func takesWhatComes() async throws {
            let directory = try TemporaryDirectory()
            try #require(mount("tmpfs", directory.path, "tmpfs", 0, "size=32m") == 0)
            defer { umount2(directory.path, Int32(MNT_DETACH)) }
            let store = try await LocalStore.open(directory: directory.path, region: "test", minFreeBytes: 0)
            let object = try SampleObject(size: 10)
            let before = try #require(try await store.space()).free
            let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: 24 << 20)
            #expect(try #require(try await store.space()).free > before - 65_536)
            let (stream, chunks) = AsyncThrowingStream.makeStream(of: ByteBuffer.self)
            let writing = Task {
                try await upload.write(UploadPart(number: 1, offset: 8 << 20, length: 8 << 20), from: ByteStream(stream))
            }
            chunks.yield(ByteBuffer(repeating: 1, count: 300_000))
            var taken: Int64 = 0
            try await eventually("what came has taken its space") {
                taken = before - (try requireValue(try await store.space(), "space").free)
                return taken >= 300_000
            }
            #expect(taken < 1 << 20, "\(taken)")
            chunks.finish()
            await #expect(throws: StorageError.self) { _ = try await writing.value }
            await upload.abort()
            #expect(try #require(try await store.space()).free > before - 65_536)
        }

        @Test(
            "an upload that fills the file system throws full and gives its space back",
            .enabled(if: Privileges.mounts, "mounting needs root"))
        func fullFileSystem() async throws {
            let directory = try TemporaryDirectory()
            try #require(mount("tmpfs", directory.path, "tmpfs", 0, "size=2m") == 0)
            defer { umount2(directory.path, Int32(MNT_DETACH)) }
            let store = try await LocalStore.open(directory: directory.path, region: "test", minFreeBytes: 0)
            let small = try SampleObject(size: 500_000)
            try await small.put(into: store)
            let large = try SampleObject(size: 3_000_000)
            let upload = try await store.beginUpload(large.key, metadata: large.metadata, expectedSize: nil)
            let error = try await requireStorageError(.full, "write") {
                try await upload.write(UploadPart(number: 0, offset: 0, length: nil), from: ByteStream(large.bytes))
            }
            #expect(error.message.contains("full"))
            #expect(try directory.contents("uploads") == [])
            try await requireStorageError(.full, "beginUpload") {
                try await store.beginUpload(large.key, metadata: large.metadata, expectedSize: large.size)
            }
            #expect(try directory.contents("uploads") == [])
            #expect(try await store.get(small.key, range: nil).body.collect(upTo: 1 << 20) == small.bytes)
            // There is room again for what fits.
            try await SampleObject(size: 1_000_000).put(into: store)
        }

        @Test(
            "a pool on a full disk is opened, and a directory that could not be made then is made when an object needs it",
            .enabled(if: Privileges.mounts, "mounting needs root"))
        func fullWhenOpened() async throws {
            let directory = try TemporaryDirectory()
            // Too few inodes for all directories.
            try #require(mount("tmpfs", directory.path, "tmpfs", 0, "size=4m,nr_inodes=20") == 0)
            defer { umount2(directory.path, Int32(MNT_DETACH)) }
            let store = try await LocalStore.open(directory: directory.path, region: "test", minFreeBytes: 0)
            let object = try SampleObject(size: 10)
            try await requireStorageError(.full, "put") { try await object.put(into: store) }
            for made in try directory.contents("files") { try directory.remove("files/\(made.dropLast())") }
            try await object.put(into: store)
            #expect(try await store.head(object.key).size == 10)
        }
    #endif

    @Test("error numbers become the codes that callers act on")
    func errorNumbers() {
        let codes: [(CInt, StorageError.Code)] = [
            (ENOENT, .notFound), (ENOSPC, .full), (EDQUOT, .full), (EACCES, .permissionDenied), (EPERM, .permissionDenied),
            (EROFS, .permissionDenied), (ELOOP, .permissionDenied), (EFBIG, .invalidRequest), (EMFILE, .unavailable), (EIO, .unavailable),
        ]
        for (number, code) in codes {
            #expect(StorageError(Errno(code: number), operation: "local.test").code == code, "\(number)")
        }
    }
}
