import MirrorCore
import MirrorStorage

extension ObjectStoreSuite {
    static let head: [Case] = [
        Case("head of an absent key throws notFound") { store in
            let object = try SampleObject(size: 1)
            try await requireStorageError(.notFound, "head") { try await store.head(object.key) }
        },
        Case("head returns what complete returned") { store in
            let object = try SampleObject(size: 1_000)
            let info = try await object.put(into: store)
            let found = try await store.head(object.key)
            try requireEqual(found.key, object.key, "key")
            try requireEqual(found.size, 1_000, "size")
            try requireEqual(found.etag, info.etag, "ETag")
            try requireEqual(found.metadata, info.metadata, "metadata")
            try await store.delete(object.key)
        },
        Case("an entity tag is strong, quoted, and different for different bytes") { store in
            let object = try SampleObject(size: 1_000)
            let first = try await object.put(into: store).etag
            let second = try await object.replaced(size: 1_000, seed: 1).put(into: store).etag
            for etag in [first, second] {
                try require(etag.count > 2 && etag.hasPrefix("\"") && etag.hasSuffix("\""), "\(etag) is not quoted or not strong")
            }
            try require(first != second, "two different objects have the entity tag \(first)")
            try await store.delete(object.key)
        },
        Case("metadata is returned as it was given, and the digest as it was given to complete") { store in
            var object = try SampleObject("a file (1).tar.gz", size: 10)
            object.metadata = ObjectMetadata(
                contentType: "text/plain; charset=\"utf-8\"", contentEncoding: "gzip",
                contentDisposition: "attachment; filename=\"a file (1).tar.gz\"; filename*=UTF-8''a%20file.tar.gz",
                upstreamURL: "https://origin.example.org/a%20file.tar.gz?x=%2F&y=1,2", upstreamETag: "W/\"abc==\"",
                upstreamContentLength: 10, upstreamLastModified: Timestamp(milliseconds: 784_111_777_000),
                stored: Timestamp(milliseconds: 1_712_345_678_901),
                addresses: ["https://origin.example.org/a%20file.tar.gz", "https://cdn.example.org:8443/b,c"])
            object.metadata.originFields[.checksumSHA1] = "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12"
            object.metadata.originFields[.linkedETag] = "\"a+b/c=\""
            try await object.put(into: store)
            var expected = object.metadata
            expected.sha256 = try object.sha256
            if !store.capabilities.features.contains(.keepsUpstreamQuery) {
                expected.upstreamURL = "https://origin.example.org/a%20file.tar.gz"
            }
            try requireEqual(try await store.head(object.key).metadata, expected, "metadata of head")
            try requireEqual(try await store.get(object.key, range: nil).info.metadata, expected, "metadata of get")
            try await store.delete(object.key)
        },
        Case("the digest of an object of several parts is returned if the store says so") { store in
            let object = try SampleObject(size: Int(store.samplePartSize) + 100)
            let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
            for part in store.parts(of: object) { _ = try await upload.write(part, from: object.stream(part)) }
            let info = try await upload.complete(size: object.size, sha256: object.sha256)
            try requireEqual(info.metadata.sha256, try object.sha256, "the digest that complete returned")
            let expected = store.capabilities.features.contains(.keepsDigestOfParts) ? try object.sha256 : nil
            try requireEqual(try await store.head(object.key).metadata.sha256, expected, "the digest that head returned")
            try requireEqual(try await store.head(object.key).etag, info.etag, "ETag")
            try await store.delete(object.key)
        },
        Case("metadata of any characters and lengths does not fail, and each value is returned as it was given or is missing") { store in
            var object = try SampleObject("ü (1).bin", size: 10)
            object.metadata.upstreamURL = "https://origin.example.org/\(String(repeating: "a", count: 6_000))?token=secret"
            object.metadata.upstreamETag = "\"ü \(String(repeating: "e", count: 300))\""
            object.metadata.addresses = (0..<40).map { "https://host-\($0).example.org/\(String(repeating: "p", count: 100))?…" }
            try await object.put(into: store)
            let metadata = try await store.head(object.key).metadata
            let possible = ["", object.metadata.upstreamURL, String(object.metadata.upstreamURL.prefix { $0 != "?" })]
            try require(possible.contains(metadata.upstreamURL), "the upstream URL is \(metadata.upstreamURL)")
            try require([nil, object.metadata.upstreamETag].contains(metadata.upstreamETag), "the upstream ETag differs")
            try require(object.metadata.addresses.starts(with: metadata.addresses), "the addresses are \(metadata.addresses)")
            try requireEqual(metadata.stored, object.metadata.stored, "stored")
            try requireEqual(metadata.sha256, try object.sha256, "digest")
            try await store.delete(object.key)
        },
        Case("metadata that was not given stays missing") { store in
            let object = try SampleObject(size: 10)
            try await object.put(into: store)
            let metadata = try await store.head(object.key).metadata
            try requireEqual(metadata.contentEncoding, nil, "content encoding")
            try requireEqual(metadata.contentDisposition, nil, "content disposition")
            try requireEqual(metadata.upstreamETag, nil, "upstream ETag")
            try requireEqual(metadata.upstreamContentLength, nil, "upstream content length")
            try requireEqual(metadata.upstreamLastModified, nil, "upstream last modified")
            try requireEqual(metadata.addresses, [], "addresses")
            try requireEqual(metadata.originFields, OriginFields(), "fields of the origin")
            try await store.delete(object.key)
        },
    ]
}
