import Foundation
import MirrorCore
import MirrorStorage
import MirrorTesting
import NIOCore
import Testing

@testable import WebDAVStorage

@Suite("What lies on the server", .timeLimit(.minutes(5)))
struct LayoutTests {
    @Test("An object is a file and a sidecar; nothing temporary stays, and deleting it leaves nothing")
    func files() async throws {
        try await Nginx.run { nginx in
            try await nginx.withStore { store in
                let object = try SampleObject("a file+ü%25.tar.gz", size: 1_000)
                try await object.put(into: store)
                let hash = object.key.hash
                #expect(
                    try nginx.files() == [
                        "meta/\(hash.prefix(2))/\(hash).json", "objects/\(hash.prefix(2))/\(hash)/\(object.key.name)",
                    ])
                try await store.delete(object.key)
                #expect(try nginx.files() == [])
            }
        }
    }

    @Test("Everybody can read an object where the store says that it is")
    func location() async throws {
        try await Nginx.run { nginx in
            try await nginx.withStore { store in
                let object = try SampleObject("a file+ü%25.tar.gz", size: 1_000)
                try await object.put(into: store)
                let answer = try await Client().get(try await store.location(of: object.key, life: .seconds(60)).url)
                #expect(answer.status == 200)
                #expect(answer.body == object.bytes)
            }
        }
    }

    @Test(
        "Locations begin with the public URL, where there is one",
        arguments: [
            (nil, "http://127.0.0.1:1/pool"), ("https://mirror.example.org", "https://mirror.example.org"),
            ("https://mirror.example.org/a/", "https://mirror.example.org/a"),
        ] as [(String?, String)])
    func publicLocation(publicURL: String?, beginning: String) async throws {
        let settings = WebDAVPoolSettings(
            url: try ArtifactURL("http://127.0.0.1:1/pool"), publicURL: try publicURL.map { try ArtifactURL($0) })
        try await withStore(settings) { store in
            let key = ObjectKey(try ArtifactURL("https://origin.example.org/a.bin"))
            let url = try await store.location(of: key, life: .seconds(60)).url
            #expect(url == "\(beginning)/objects/\(key.hash.prefix(2))/\(key.hash)/a.bin")
        }
    }

    @Test("An artifact's query, which may be a signature, is in no file")
    func query() async throws {
        try await Nginx.run { nginx in
            try await nginx.withStore { store in
                var object = try SampleObject(size: 10)
                object.metadata.upstreamURL += "?signature=s3cr3t"
                try await object.put(into: store)
                for file in try nginx.files() { #expect(!nginx.directory.text("www/files/pool/\(file)").contains("s3cr3t")) }
            }
        }
    }

    @Test("Other bytes than those that were stored are no object, nor are bytes or sidecars alone")
    func strangers() async throws {
        try await Nginx.run { nginx in
            try await nginx.withStore { store in
                let objects = try (0..<4).map { try SampleObject(size: 1_000 + $0) }.sorted { $0.key.precedes($1.key) }
                for object in objects { try await object.put(into: store) }
                let root = "\(nginx.directory.path)/www/files/pool"
                let hashes = objects.map(\.key.hash)
                try FileManager.default.removeItem(atPath: "\(root)/objects/\(hashes[0].prefix(2))/\(objects[0].key)")
                try FileManager.default.removeItem(atPath: "\(root)/meta/\(hashes[1].prefix(2))/\(hashes[1]).json")
                try nginx.directory.write("others", to: "www/files/pool/objects/\(hashes[2].prefix(2))/\(objects[2].key)")
                for object in objects.prefix(3) {
                    try await requireStorageError(.notFound, "head") { try await store.head(object.key) }
                    try await requireStorageError(.notFound, "get") { try await store.get(object.key, range: nil) }
                }
                #expect(try await store.list(after: nil, limit: 10).map(\.key) == [objects[3].key])
                // They are replaced like nothing.
                for object in objects { try await object.put(into: store) }
                #expect(try await store.list(after: nil, limit: 10).map(\.key) == objects.map(\.key))
            }
        }
    }

    @Test("What is no sidecar is passed over")
    func unreadable() async throws {
        try await Nginx.run { nginx in
            try await nginx.withStore { store in
                let object = try SampleObject(size: 10)
                try await object.put(into: store)
                let prefix = object.key.hash.prefix(2)
                let zeros = String(repeating: "0", count: 62)
                for name in ["\(prefix)\(zeros).json", "\(prefix)\(zeros)", "README", "\(prefix)\(zeros.dropLast())g.json"] {
                    try nginx.directory.write("{", to: "www/files/pool/meta/\(prefix)/\(name)")
                }
                try nginx.directory.makeDirectory("www/files/pool/meta/other")
                #expect(try await store.list(after: nil, limit: 10).map(\.key) == [object.key])
            }
        }
    }

    @Test("A sidecar says what it was given, and no other document is one")
    func sidecar() throws {
        let object = try SampleObject(size: 10)
        let sidecar = Sidecar(
            object.key, size: 10, sha256: try object.sha256, lastModified: Timestamp(milliseconds: 5), metadata: object.metadata)
        #expect(Sidecar(try sidecar.encoded()) == sidecar)
        #expect(sidecar.info?.key == object.key)
        for text in ["", "[]", "{}", "{\"key\": 1}"] { #expect(Sidecar(ByteBuffer(string: text)) == nil) }
        var odd = sidecar
        odd.key = "../\(object.key)"
        #expect(odd.info == nil)
    }
}
