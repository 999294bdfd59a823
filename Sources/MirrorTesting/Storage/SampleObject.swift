import struct Crypto.SHA256
public import MirrorCore
public import MirrorStorage
public import NIOCore

/// A sample object to store in a test: its key, metadata and bytes.
public struct SampleObject: Sendable {
    /// The key that it is stored under.
    public var key: ObjectKey
    /// The metadata to store with it.
    public var metadata: ObjectMetadata
    /// The bytes to store.
    public var bytes: ByteBuffer

    /// An object under a unique key.
    ///
    /// - Parameter size: Bytes.
    /// - Parameter seed: Objects of the same size with different seeds differ in every byte.
    public init(_ name: String = "artifact.bin", size: Int, seed: UInt8 = 0) throws {
        let url = "https://origin.example.org/\(UInt64.random(in: .min ... .max))/\(UInt64.random(in: .min ... .max))/\(name)"
        key = ObjectKey(try ArtifactURL(url))
        metadata = ObjectMetadata(upstreamURL: url, stored: Timestamp(milliseconds: 1_700_000_000_000))
        bytes = Self.bytes(size, seed: seed)
    }

    /// Bytes.
    public var size: Int64 { Int64(bytes.readableBytes) }

    /// Computed each time.
    public var sha256: Digest {
        get throws {
            try requireValue(Digest(.sha256, bytes: bytes.withUnsafeReadableBytes { Array(SHA256.hash(data: $0)) }), "the digest")
        }
    }

    /// The same key with other bytes.
    public func replaced(size: Int, seed: UInt8) -> SampleObject {
        var other = self
        other.bytes = Self.bytes(size, seed: seed)
        return other
    }

    /// Bytes that repeat after a prime number of them, so that parts and chunks of any size differ.
    public static func bytes(_ size: Int, seed: UInt8 = 0) -> ByteBuffer {
        let block = (0..<min(size, 65_537)).map { UInt8(truncatingIfNeeded: $0 &+ $0 >> 8) &+ seed }
        var buffer = ByteBuffer()
        while buffer.readableBytes < size { buffer.writeBytes(block.prefix(size - buffer.readableBytes)) }
        return buffer
    }

    /// The bytes of a range, which must be within the object.
    public func slice(_ offset: Int64, _ length: Int64) throws -> ByteBuffer {
        try requireValue(bytes.getSlice(at: Int(offset), length: Int(length)), "bytes \(offset)..<\(offset + length)")
    }

    /// Splits the object into parts.
    ///
    /// - Parameter partSize: Bytes of each part except the last.
    public func parts(of partSize: Int64) -> [UploadPart] {
        guard size > 0 else { return [UploadPart(number: 0, offset: 0, length: 0)] }
        return stride(from: 0, to: size, by: Int(partSize)).enumerated().map { number, offset in
            UploadPart(number: number, offset: offset, length: min(partSize, size - offset))
        }
    }

    /// The bytes of one part as a stream of small chunks.
    public func stream(_ part: UploadPart) throws -> ByteStream {
        var rest = try slice(part.offset, part.length ?? size - part.offset)
        var chunks: [ByteBuffer] = []
        while let chunk = rest.readSlice(length: min(max(rest.readableBytes, 1), 10_000)) { chunks.append(chunk) }
        return ByteStream(chunks: chunks)
    }

    /// Stores the object in one part.
    @discardableResult
    public func put(into store: any ObjectStore) async throws -> ObjectInfo {
        let upload = try await store.beginUpload(key, metadata: metadata, expectedSize: size)
        do {
            _ = try await upload.write(UploadPart(number: 0, offset: 0, length: size), from: ByteStream(bytes))
            return try await upload.complete(size: size, sha256: sha256)
        } catch {
            await upload.abort()
            throw error
        }
    }
}

extension ObjectStore {
    /// The whole body that `get` returns.
    func bytes(_ key: ObjectKey, range: ByteRange? = nil) async throws -> ByteBuffer {
        try await get(key, range: range).body.collect(upTo: 1 << 30)
    }

    /// Bytes of a part; at least the store's minimum, so that a store that accepts several parts accepts more than one of this size.
    var samplePartSize: Int64 {
        min(max(capabilities.minPartSize, 100_000), capabilities.maxPartSize)
    }

    /// Splits the object into parts that the store accepts; they are longer than requested if there would be too many.
    ///
    /// - Parameter partSize: Bytes of each part except the last; `nil` for ``samplePartSize``.
    func parts(of object: SampleObject, size partSize: Int64? = nil) -> [UploadPart] {
        let fewest = (max(object.size, 1) - 1) / Int64(capabilities.maxParts) + 1
        return object.parts(of: max(partSize ?? samplePartSize, fewest))
    }

    /// Writes parts of an object concurrently, the last one first, if the store supports that; otherwise in order.
    func write(_ parts: [UploadPart], of object: SampleObject, to upload: any ObjectUpload) async throws {
        guard capabilities.features.contains(.parallelParts) else {
            for part in parts { _ = try await upload.write(part, from: object.stream(part)) }
            return
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for part in parts.reversed() { group.addTask { _ = try await upload.write(part, from: object.stream(part)) } }
            try await group.waitForAll()
        }
    }

    /// Completes an upload of the object, checks that it exists, and deletes it.
    func finish(_ upload: any ObjectUpload, of object: SampleObject, file: String = #fileID, line: Int = #line) async throws {
        _ = try await upload.complete(size: object.size, sha256: object.sha256)
        try await requireHolds(object, file: file, line: line)
        try await delete(object.key)
    }

    /// Fails unless `head` and `get` say that the object is absent.
    func requireAbsent(_ key: ObjectKey, _ when: String, file: String = #fileID, line: Int = #line) async throws {
        try await requireStorageError(.notFound, "head \(when)", file: file, line: line) { try await head(key) }
        try await requireStorageError(.notFound, "get \(when)", file: file, line: line) { try await get(key, range: nil) }
    }

    /// Fails unless the object can be read unchanged.
    func requireHolds(_ object: SampleObject, file: String = #fileID, line: Int = #line) async throws {
        try requireEqual(try await head(object.key).size, object.size, "size", file: file, line: line)
        let held = try await bytes(object.key)
        try require(held == object.bytes, "the bytes are not the object's", file: file, line: line)
    }
}

/// Runs `body`, which must throw a `StorageError` with `code`.
@discardableResult
public func requireStorageError<Result>(
    _ code: StorageError.Code, _ what: String, file: String = #fileID, line: Int = #line, _ body: () async throws -> Result
) async throws -> StorageError {
    try await requireThrows(StorageError.self, what, file: file, line: line, where: { $0.code == code }, body)
}
