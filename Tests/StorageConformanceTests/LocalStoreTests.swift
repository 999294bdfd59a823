import Foundation
import MirrorCore
import MirrorStorage
import MirrorTesting
import NIOCore
import NIOPosix
import TestServers
import Testing

@testable import StorageLocal

@Suite("The store in a directory")
struct LocalStoreTests {
    private func open(_ directory: TemporaryDirectory) async throws -> LocalStore {
        try await LocalStore.open(directory: directory.path, region: "test", minFreeBytes: 0)
    }

    /// Opens what was just let go of: a thread of the pool may hold it for a moment longer.
    private func openAgain(_ directory: TemporaryDirectory) async throws -> LocalStore {
        try await eventually("the directory is free") {
            do {
                return try await open(directory)
            } catch let error as StorageError where error.code == .unavailable {
                return nil
            }
        }
    }

    @Test("says that its directory was removed, instead of that it is empty", arguments: ["", "/files", "/uploads"])
    func removedDirectory(part: String) async throws {
        try await withLocalStore { store, directory in
            let object = try SampleObject("tool.tar.gz", size: 1_000)
            try await object.put(into: store)
            try await store.checkHealth()
            #expect(try await store.list(after: nil, limit: 1).count == 1)
            try FileManager.default.removeItem(atPath: directory.path + part)
            for call in [{ try await store.checkHealth() }, { _ = try await store.list(after: nil, limit: 1) }] {
                let error = await #expect(throws: StorageError.self) { try await call() }
                #expect(error?.code == .unavailable)
                #expect(error?.message.contains("was removed") == true)
            }
        }
    }

    @Test("makes the directories that objects will be in when it is opened, and those that are missing when it is opened again")
    func prefixes() async throws {
        let directory = try TemporaryDirectory()
        let prefixes = (0..<256).map { "files/\(String($0 >> 4, radix: 16))\(String($0 & 15, radix: 16))/" }
        _ = try await open(directory)
        #expect(try directory.contents() == ["files/"] + prefixes + ["lock", "uploads/"])
        for name in ["00", "7f", "ff"] { try directory.remove("files/\(name)") }
        _ = try await openAgain(directory)
        #expect(try directory.contents() == ["files/"] + prefixes + ["lock", "uploads/"])
    }

    @Test("keeps one file for each object, under its key, for this user's eyes only")
    func layout() async throws {
        try await withLocalStore { store, directory in
            let before = try directory.contents()
            let object = try SampleObject("tool.tar.gz", size: 1_000)
            try await object.put(into: store)
            let hash = object.key.hash
            #expect(try directory.contents() == (before + ["files/\(hash.prefix(2))/\(hash)"]).sorted())
            let file = "\(directory.path)/files/\(hash.prefix(2))/\(hash)"
            let data = try Data(contentsOf: URL(fileURLWithPath: file))
            #expect(Array(data.prefix(1_000)) == Array(object.bytes.readableBytesView))
            #expect(Array(data.suffix(16)) == ObjectFooter.magic)
            let modes = try [file, "\(directory.path)/files/\(hash.prefix(2))", "\(directory.path)/files"].map {
                try FileManager.default.attributesOfItem(atPath: $0)[.posixPermissions] as? Int
            }
            #expect(modes == [0o600, 0o700, 0o700])
        }
    }

    @Test("an object is not found by another name, although its file has none")
    func otherName() async throws {
        try await withLocalStore { store, _ in
            let object = try SampleObject("tool.bin", size: 10)
            try await object.put(into: store)
            let other = try #require(ObjectKey("\(object.key.hash)/other.bin"))
            try await requireStorageError(.notFound, "head") { try await store.head(other) }
            #expect(try await store.head(object.key).size == 10)
        }
    }

    @Test("leaves nothing behind a deleted object")
    func deletion() async throws {
        try await withLocalStore { store, directory in
            let before = try directory.contents()
            let object = try SampleObject(size: 10)
            try await object.put(into: store)
            try await store.delete(object.key)
            #expect(try directory.contents() == before)
        }
    }

    @Test("an object is published even if the directory that it will be in was taken away while the pool is open")
    func prefixGone() async throws {
        try await withLocalStore { store, directory in
            let object = try SampleObject("tool.bin", size: 10)
            let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
            _ = try await upload.write(UploadPart(number: 0, offset: 0, length: object.size), from: ByteStream(object.bytes))
            try directory.remove("files/\(object.key.hash.prefix(2))")
            _ = try await upload.complete(size: object.size, sha256: object.sha256)
            #expect(try await store.head(object.key).size == 10)
        }
    }

    @Test("objects that an earlier version kept in directories of their own are moved when the pool is opened")
    func earlierLayout() async throws {
        let directory = try TemporaryDirectory()
        let objects = try (0..<3).map { try SampleObject("\($0).bin", size: 10) }
        do {
            let store = try await open(directory)
            for object in objects { try await object.put(into: store) }
        }
        let manager = FileManager.default
        for object in objects.dropLast() {
            let (prefix, hash) = ("\(object.key.hash.prefix(2))", "\(object.key.hash)")
            let place = "\(directory.path)/objects/\(prefix)/\(hash)"
            try manager.createDirectory(atPath: place, withIntermediateDirectories: true)
            try manager.moveItem(atPath: "\(directory.path)/files/\(prefix)/\(hash)", toPath: "\(place)/\(object.key.name)")
            // An earlier version did not make it.
            rmdir("\(directory.path)/files/\(prefix)")
        }
        // An upload that did not end has left this behind.
        try manager.createDirectory(
            atPath: "\(directory.path)/objects/\(objects[2].key.hash.prefix(2))/\(objects[2].key.hash)", withIntermediateDirectories: true)
        let store = try await openAgain(directory)
        for object in objects { #expect(try await store.get(object.key, range: nil).body.collect(upTo: 100) == object.bytes) }
        #expect(try await store.list(after: nil, limit: 10).count == 3)
        #expect(!manager.fileExists(atPath: "\(directory.path)/objects"))
    }

    @Test("what is not an object stays where an earlier version kept objects")
    func earlierStrangers() async throws {
        let directory = try TemporaryDirectory()
        let hash = String(repeating: "ab", count: 32)
        for path in ["README", "ab/README", "ab/\(hash)/.hidden", "cd/\(hash)/x"] {
            let url = URL(fileURLWithPath: "\(directory.path)/objects/\(path)")
            try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(count: 100).write(to: url)
        }
        let before = try directory.contents("objects")
        let store = try await open(directory)
        #expect(try await store.list(after: nil, limit: 10) == [])
        #expect(try directory.contents("objects") == before)
    }

    @Test("keeps its objects, and removes what was half done, when it is opened again")
    func reopening() async throws {
        let directory = try TemporaryDirectory()
        let object = try SampleObject(size: 1_000)
        do {
            let info = try await object.put(into: try await open(directory))
            #expect(info.size == 1_000)
        }
        try Data(count: 100).write(to: URL(fileURLWithPath: "\(directory.path)/uploads/0123.part"))
        let store = try await openAgain(directory)
        #expect(try directory.contents("uploads") == [])
        #expect(try await store.get(object.key, range: nil).body.collect(upTo: 1 << 20) == object.bytes)
    }

    @Test("a process that is killed in the middle of an upload leaves nothing of it, and the object that was there before")
    func crash() async throws {
        try await withLocalStore { store, directory in
            let first = try SampleObject(size: 1_000)
            try await first.put(into: store)
            let second = first.replaced(size: 600_000, seed: 1)
            let upload = try await store.beginUpload(second.key, metadata: second.metadata, expectedSize: second.size)
            _ = try await upload.write(UploadPart(number: 0, offset: 0, length: second.size), from: ByteStream(second.bytes))
            // What the disk holds now is what a killed process would have left.
            let copy = try TemporaryDirectory()
            for name in ["files", "uploads"] {
                try FileManager.default.copyItem(atPath: "\(directory.path)/\(name)", toPath: "\(copy.path)/\(name)")
            }
            #expect(try copy.contents("uploads").count == 1)
            let reopened = try await open(copy)
            #expect(try copy.contents("uploads") == [])
            #expect(try await reopened.get(first.key, range: nil).body.collect(upTo: 1 << 20) == first.bytes)
            await upload.abort()
        }
    }

    @Test("does not share its directory with another process")
    func lock() async throws {
        let directory = try TemporaryDirectory()
        do {
            let store = try await open(directory)
            let error = try await requireStorageError(.unavailable, "a second store") { try await open(directory) }
            #expect(error.message.contains(directory.path))
            try await store.checkHealth()
        }
        _ = try await openAgain(directory)
    }

    @Test("names the directory that it cannot use")
    func unusable() async throws {
        let error = try await requireStorageError(.permissionDenied, "open") {
            try await LocalStore.open(directory: "/dev/null/pool", region: "test", minFreeBytes: 0)
        }
        #expect(error.message.contains("/dev/null/pool"))
    }

    @Test("an upload that is aborted or dropped removes its file")
    func droppedUploads() async throws {
        // One thread: what is submitted before a call is done when the call returns.
        let threads = FileThreads(count: 1)
        let directory = try TemporaryDirectory()
        let store = try await LocalStore.open(directory: directory.path, region: "test", minFreeBytes: 0, threads: threads)
        let object = try SampleObject(size: 600_000)
        do {
            let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
            _ = try await upload.write(UploadPart(number: 0, offset: 0, length: object.size), from: ByteStream(object.bytes))
            #expect(try directory.contents("uploads").count == 1)
            // Cleaning up outlives the cancellation that causes it.
            await withTaskGroup(of: Void.self) { group in
                group.cancelAll()
                group.addTask { await upload.abort() }
            }
            #expect(try directory.contents("uploads") == [])
        }
        do {
            let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
            #expect(try directory.contents("uploads").count == 1)
            withExtendedLifetime(upload) {}
        }
        try await store.checkHealth()
        #expect(try directory.contents("uploads") == [])
    }

    #if os(Linux)
        @Test("closes an object's file when its body was read to the end, and when it was dropped")
        func descriptors() async throws {
            let threads = FileThreads(count: 1)
            let directory = try TemporaryDirectory()
            let store = try await LocalStore.open(directory: directory.path, region: "test", minFreeBytes: 0, threads: threads)
            let object = try SampleObject(size: 1_300_007)
            try await object.put(into: store)
            func openFiles() async throws -> Int {
                // Behind any read that is still under way on the only thread.
                _ = try await store.head(object.key)
                let links = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
                let targets = links.compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)") }
                return targets.filter { $0.hasPrefix("\(directory.path)/files/") }.count
            }
            let content = try await store.get(object.key, range: nil)
            #expect(try await openFiles() == 1)
            #expect(try await content.body.collect(upTo: 1 << 21).readableBytes == 1_300_007)
            #expect(try await openFiles() == 0)
            do {
                var iterator = try await store.get(object.key, range: nil).body.makeAsyncIterator()
                #expect(try await iterator.next() != nil)
                #expect(try await openFiles() == 1)
            }
            #expect(try await openFiles() == 0)
            let file = try await store.openFile(object.key)
            #expect(try await openFiles() == 1)
            withExtendedLifetime(file) {}
        }
    #endif

    @Test("a store whose threads are gone says that it is shutting down, and does not hang")
    func shutDown() async throws {
        let threads = FileThreads(count: 1)
        let directory = try TemporaryDirectory()
        let store = try await LocalStore.open(directory: directory.path, region: "test", minFreeBytes: 0, threads: threads)
        let object = try SampleObject(size: 1_300_007)
        try await object.put(into: store)
        let content = try await store.get(object.key, range: nil)
        let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: nil)
        try await threads.pool.shutdownGracefully()
        try await requireStorageError(.unavailable, "head") { try await store.head(object.key) }
        try await requireStorageError(.unavailable, "body") { try await content.body.collect(upTo: 1 << 21) }
        await upload.abort()
        #expect(try directory.contents("uploads") == [])
    }

    @Test("an upload that turns out shorter than expected takes no more space than it has bytes")
    func shorterThanExpected() async throws {
        try await withLocalStore { store, directory in
            let object = try SampleObject(size: 1_000)
            let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: 64 << 20)
            _ = try await upload.write(UploadPart(number: 0, offset: 0, length: nil), from: ByteStream(object.bytes))
            _ = try await upload.complete(size: object.size, sha256: object.sha256)
            let file = "\(directory.path)/files/\(object.key.hash.prefix(2))/\(object.key.hash)"
            var status = stat()
            #expect(stat(file, &status) == 0)
            #expect(status.st_size < 2_000)
            #expect(Int64(status.st_blocks) * 512 < 1 << 20)
        }
    }

    @Test("metadata longer than a footer may be are refused at the end of the upload, and nothing is published")
    func longMetadata() async throws {
        try await withLocalStore { store, directory in
            var long = try SampleObject(size: 10)
            long.metadata.addresses = [String(repeating: "x", count: ObjectFooter.maxDocumentLength)]
            let object = long
            try await requireStorageError(.invalidRequest, "put") { try await object.put(into: store) }
            try await requireStorageError(.notFound, "head") { try await store.head(object.key) }
            #expect(try directory.contents("uploads") == [])
        }
    }

    @Test("a footer longer than the first read is found, too")
    func longFooter() async throws {
        try await withLocalStore { store, _ in
            var object = try SampleObject(size: 10)
            object.metadata.addresses = (0..<500).map { "https://origin.example.org/\($0)" }
            try await object.put(into: store)
            #expect(try await store.head(object.key).metadata.addresses == object.metadata.addresses)
        }
    }

    @Test("a footer from before origins' dates were kept is read")
    func oldFooter() throws {
        let object = try SampleObject(size: 10)
        let footer = ObjectFooter(
            key: object.key, size: 10, sha256: try object.sha256, lastModified: Timestamp(milliseconds: 5), metadata: object.metadata)
        let old = try JSONEncoder().encode(footer)
        #expect(!String(decoding: old, as: UTF8.self).contains("upstreamLastModified"))
        let info = try #require(try JSONDecoder().decode(ObjectFooter.self, from: old).info(for: object.key))
        #expect(info.metadata.upstreamLastModified == nil)
        #expect(info.artifactLastModified == Timestamp(milliseconds: 5))
    }

    @Test("the location is a path of the mirror, with the key encoded")
    func location() async throws {
        try await withLocalStore { store, _ in
            let object = try SampleObject("a%20b.zip", size: 1)
            let location = try await store.location(of: object.key, life: .seconds(1))
            #expect(location == ObjectLocation(url: "/local/test/\(object.key.hash)/a%20b.zip"))
        }
    }
}
