import MirrorCore
import MirrorStorage
import MirrorSystem
import NIOCore

extension ObjectStoreSuite {
    static let get: [Case] = [
        Case("get of an absent key throws notFound") { store in
            let object = try SampleObject(size: 1)
            try await requireStorageError(.notFound, "get") { try await store.get(object.key, range: nil) }
            try await requireStorageError(.notFound, "get of a range") {
                try await store.get(object.key, range: ByteRange(offset: 0, length: 1))
            }
        },
        Case("get returns the whole object") { store in
            // Longer than any store's chunk, and not a multiple of one.
            let object = try SampleObject(size: 1_300_007)
            try await object.put(into: store)
            let content = try await store.get(object.key, range: nil)
            try requireEqual(content.range, nil, "range")
            try requireEqual(content.info.size, object.size, "size")
            try requireEqual(content.info.etag, try await store.head(object.key).etag, "ETag")
            try await store.requireHolds(object)
            try await store.delete(object.key)
        },
        Case("an object without bytes can be stored and read") { store in
            let object = try SampleObject(size: 0)
            try await object.put(into: store)
            try await store.requireHolds(object)
            try await requireStorageError(.invalidRequest, "get of a range") {
                try await store.get(object.key, range: ByteRange(offset: 0, length: 1))
            }
            try await store.delete(object.key)
        },
        Case("get returns a range") { store in
            let object = try SampleObject(size: 700_000)
            try await object.put(into: store)
            for (offset, length) in [(0, 1), (0, 700_000), (1, 5), (262_143, 2), (262_144, 262_145), (699_999, 1)] as [(Int64, Int64)] {
                let range = try requireValue(ByteRange(offset: offset, length: length), "range")
                let content = try await store.get(object.key, range: range)
                try requireEqual(content.range, range, "range")
                try requireEqual(content.info.size, 700_000, "the object's size")
                let bytes = try await content.body.collect(upTo: 1 << 20)
                try require(bytes == (try object.slice(offset, length)), "the bytes of \(offset)..<\(offset + length) are others")
            }
            try await store.delete(object.key)
        },
        Case("a range that extends beyond the end is clamped to the end") { store in
            let object = try SampleObject(size: 1_000)
            try await object.put(into: store)
            for length in [11, 1 << 40, .max - 990] as [Int64] {
                let content = try await store.get(object.key, range: ByteRange(offset: 990, length: length))
                try requireEqual(content.range, ByteRange(offset: 990, length: 10), "range")
                let bytes = try await content.body.collect(upTo: 1 << 20)
                try require(bytes == (try object.slice(990, 10)), "the bytes differ")
            }
            try await store.delete(object.key)
        },
        Case("a range that begins at or after the end throws invalidRequest") { store in
            let object = try SampleObject(size: 1_000)
            try await object.put(into: store)
            for offset in [1_000, 1_001, 1 << 40] as [Int64] {
                try await requireStorageError(.invalidRequest, "get from \(offset)") {
                    try await store.get(object.key, range: ByteRange(offset: offset, length: 1))
                }
            }
            try await store.delete(object.key)
        },
        Case("a body can be dropped before its end") { store in
            let object = try SampleObject(size: 1_300_007)
            try await object.put(into: store)
            do {
                var iterator = try await store.get(object.key, range: nil).body.makeAsyncIterator()
                let first = try requireValue(try await iterator.next(), "first chunk")
                try require(first == (try object.slice(0, Int64(first.readableBytes))), "the first chunk differs")
            }
            _ = try await store.get(object.key, range: nil)
            try await store.requireHolds(object)
            try await store.delete(object.key)
        },
        Case("openFile returns the object's bytes as a file if the store says so, and otherwise throws unsupported") { store in
            let object = try SampleObject(size: 100_000)
            let info = try await object.put(into: store)
            if store.capabilities.features.contains(.opensFiles) {
                let file = try await store.openFile(object.key)
                try requireEqual(file.info, info, "info")
                try await store.delete(object.key)
                let bytes = try readAll(try requireValue(file.takeDescriptor(), "descriptor"), count: 100_000)
                try require(bytes == Array(object.bytes.readableBytesView), "the file's bytes differ")
                try requireEqual(file.takeDescriptor(), nil, "a descriptor taken twice")
                try await requireStorageError(.notFound, "openFile of an absent key") { try await store.openFile(object.key) }
            } else {
                try await requireStorageError(.unsupported, "openFile") { try await store.openFile(object.key) }
                try await store.delete(object.key)
            }
        },
    ]

    /// The first bytes of a file; closes it.
    private static func readAll(_ descriptor: CInt, count: Int) throws -> [UInt8] {
        let bytes = try Descriptor(owning: descriptor).bytes(count, at: 0)
        try requireEqual(bytes.count, count, "bytes read")
        return bytes
    }
}
