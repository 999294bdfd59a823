import Foundation
import MirrorCore
import MirrorStorage
import MirrorSystem
import MirrorTesting
import NIOCore
import TestServers
import Testing

@testable import StorageLocal

@Suite("The store in a directory and files that it did not write")
struct LocalStoreSafetyTests {
    private func file(of object: SampleObject, in directory: TemporaryDirectory) -> String {
        "\(directory.path)/files/\(object.key.hash.prefix(2))/\(object.key.hash)"
    }

    @Test("follows no symbolic link out of its directory", arguments: [0, 1])
    func symbolicLinks(_ level: Int) async throws {
        let outside = try TemporaryDirectory()
        try await withLocalStore { store, directory in
            let object = try SampleObject("tool.bin", size: 1_000)
            try await object.put(into: store)
            // The object itself, moved away, with a link in its place: at the two digits, at the hash.
            let names = ["\(object.key.hash.prefix(2))", String(object.key.hash)]
            let place = "\(directory.path)/files/" + names[...level].joined(separator: "/")
            try FileManager.default.moveItem(atPath: place, toPath: "\(outside.path)/moved")
            try FileManager.default.createSymbolicLink(atPath: place, withDestinationPath: "\(outside.path)/moved")
            let before = try outside.contents()
            try await requireStorageError(.notFound, "head") { try await store.head(object.key) }
            try await requireStorageError(.notFound, "get") { try await store.get(object.key, range: nil) }
            try await requireStorageError(.notFound, "openFile") { try await store.openFile(object.key) }
            #expect(try await store.list(after: nil, limit: 10) == [])
            try await store.delete(object.key)
            #expect(try outside.contents() == before)
            if level == 0 {
                try await requireStorageError(.permissionDenied, "put") { try await object.put(into: store) }
            } else {
                // A rename replaces the link itself.
                try await object.put(into: store)
                #expect(try await store.head(object.key).size == 1_000)
            }
            #expect(try outside.contents() == before)
            #expect(try directory.contents("uploads") == [])
        }
    }

    @Test("no name leads out of a directory", arguments: ["", ".", "..", "../lock", "a/b", "/etc/passwd", "a\0b"])
    func names(_ name: String) throws {
        let directory = try TemporaryDirectory()
        let descriptor = try Descriptor(directory: directory.path)
        #expect(throws: Errno.self) { try descriptor.openFile(name) }
        #expect(throws: Errno.self) { try descriptor.createFile(name) }
        #expect(throws: Errno.self) { try descriptor.openDirectory(name) }
        #expect(throws: Errno.self) { try descriptor.makeDirectory(name) }
        #expect(throws: Errno.self) { try descriptor.remove(name) }
        #expect(throws: Errno.self) { try descriptor.removeDirectory(name) }
        #expect(try directory.contents() == [])
    }

    #if os(Linux)
        @Test("files on disks of this machine are sent by the kernel, those of a file server are not")
        func fileServers() async throws {
            let directory = try TemporaryDirectory()
            #expect(try !Descriptor(directory: directory.path).isOnFileServer())
            #expect(try !Descriptor(directory: "/proc").isOnFileServer())
            // NFS, CIFS and FUSE; ext4 and tmpfs.
            #expect(
                [0x6969, 0xFF53_4D42, 0x6573_5546, 0xEF53, 0x0102_1994].map(Descriptor.isFileServer) == [true, true, true, false, false])
            try await withLocalStore { store, _ in
                let object = try SampleObject(size: 10)
                try await object.put(into: store)
                #expect(store.capabilities.features.contains(.opensFiles))
                var capabilities = store.capabilities
                capabilities.features.remove(.opensFiles)
                let remote = LocalStore(
                    path: store.path, region: store.region, minFreeBytes: store.minFreeBytes, directory: store.directory,
                    threads: store.threads, clock: store.clock, capabilities: capabilities)
                try await requireStorageError(.unsupported, "openFile") { try await remote.openFile(object.key) }
                #expect(try await remote.get(object.key, range: nil).body.collect(upTo: 100) == object.bytes)
            }
        }
    #endif

    @Test("a file that was cut off anywhere is absent, and can be replaced")
    func truncated() async throws {
        try await withLocalStore { store, directory in
            let object = try SampleObject(size: 200)
            try await object.put(into: store)
            let path = file(of: object, in: directory)
            let whole = try Data(contentsOf: URL(fileURLWithPath: path))
            for length in 0..<whole.count {
                try whole.prefix(length).write(to: URL(fileURLWithPath: path))
                try await requireStorageError(.notFound, "head of \(length) bytes") { try await store.head(object.key) }
            }
            #expect(try await store.list(after: nil, limit: 10) == [])
            try await object.put(into: store)
            #expect(try await store.get(object.key, range: nil).body.collect(upTo: 1_000) == object.bytes)
        }
    }

    @Test("a file with any byte of its footer changed is absent")
    func corrupted() async throws {
        try await withLocalStore { store, directory in
            let object = try SampleObject(size: 200)
            try await object.put(into: store)
            let path = file(of: object, in: directory)
            let whole = try Data(contentsOf: URL(fileURLWithPath: path))
            for position in 200..<whole.count {
                var broken = whole
                broken[position] ^= 0x41
                try broken.write(to: URL(fileURLWithPath: path))
                try await requireStorageError(.notFound, "head with byte \(position) changed") { try await store.head(object.key) }
            }
            try whole.write(to: URL(fileURLWithPath: path))
            #expect(try await store.head(object.key).size == 200)
        }
    }

    @Test("a whole file under another key is absent there")
    func misplaced() async throws {
        try await withLocalStore { store, directory in
            let (object, other) = (try SampleObject(size: 10), try SampleObject(size: 20))
            try await object.put(into: store)
            try await other.put(into: store)
            try FileManager.default.removeItem(atPath: file(of: other, in: directory))
            try FileManager.default.copyItem(atPath: file(of: object, in: directory), toPath: file(of: other, in: directory))
            try await requireStorageError(.notFound, "head") { try await store.head(other.key) }
            #expect(try await store.list(after: nil, limit: 10).map(\.key) == [object.key])
        }
    }

    @Test("a directory or a pipe in an object's place is absent, and hangs nobody", .timeLimit(.minutes(5)))
    func otherKinds() async throws {
        try await withLocalStore { store, directory in
            let object = try SampleObject(size: 10)
            try await object.put(into: store)
            let path = file(of: object, in: directory)
            try FileManager.default.removeItem(atPath: path)
            try #require(mkfifo(path, 0o600) == 0)
            try await requireStorageError(.notFound, "head of a pipe") { try await store.head(object.key) }
            try FileManager.default.removeItem(atPath: path)
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            try await requireStorageError(.notFound, "head of a directory") { try await store.head(object.key) }
        }
    }

    #if os(Linux)
        @Test("a file that cannot be opened hides no other from a listing, and does not make the pool look empty")
        func unreadable() async throws {
            try await withLocalStore { store, directory in
                let objects = try (0..<3).map { try SampleObject("\($0).bin", size: 10) }
                for object in objects { try await object.put(into: store) }
                let sorted = objects.sorted { $0.key.precedes($1.key) }
                for (number, object) in sorted.enumerated() {
                    let path = file(of: object, in: directory)
                    try FileManager.default.removeItem(atPath: path)
                    // Nobody can open a socket, whatever its permissions.
                    try #require(mknod(path, 0o140_600, 0) == 0)
                    try await requireStorageError(.unavailable, "head") { try await store.head(object.key) }
                    let rest = sorted[(number + 1)...].map(\.key)
                    if rest.isEmpty {
                        try await requireStorageError(.unavailable, "list") { try await store.list(after: nil, limit: 10) }
                    } else {
                        #expect(try await store.list(after: nil, limit: 10).map(\.key) == rest)
                        #expect(try await store.list(after: nil, limit: 1).map(\.key) == [rest[0]])
                    }
                }
            }
        }

        @Test("a directory of which nothing can be read is not looked through to its end")
        func allUnreadable() async throws {
            try await withLocalStore { store, directory in
                let objects = try (0..<20).map { try SampleObject("\($0).bin", size: 10) }
                for object in objects { try await object.put(into: store) }
                let last = try #require(objects.max { $0.key.precedes($1.key) })
                for object in objects where object.key != last.key {
                    try FileManager.default.removeItem(atPath: file(of: object, in: directory))
                    try #require(mknod(file(of: object, in: directory), 0o140_600, 0) == 0)
                }
                try await requireStorageError(.unavailable, "list") { try await store.list(after: nil, limit: 10) }
            }
        }
    #endif

    @Test("strange names in its directories are not listed")
    func strangers() async throws {
        try await withLocalStore { store, directory in
            let object = try SampleObject(size: 10)
            try await object.put(into: store)
            let objects = "\(directory.path)/files"
            let prefix = object.key.hash.prefix(2)
            let strangers = ["short", ".hidden", "\(object.key.hash)0", "\(prefix)/x"].map { "\(prefix)/\($0)" }
            for path in ["README", "zz/x"] + strangers {
                let url = URL(fileURLWithPath: "\(objects)/\(path)")
                try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(count: 100).write(to: url)
            }
            #expect(try await store.list(after: nil, limit: 10).map(\.key) == [object.key])
        }
    }

    @Test("a file that ends early while it is read is an error, not a short object")
    func cutWhileReading() async throws {
        try await withLocalStore { store, directory in
            let object = try SampleObject(size: 1_300_007)
            try await object.put(into: store)
            let content = try await store.get(object.key, range: nil)
            try #require(truncate(file(of: object, in: directory), 700_000) == 0)
            try await requireStorageError(.unavailable, "body") { try await content.body.collect(upTo: 1 << 21) }
        }
    }
}
