package import MirrorCore
package import MirrorStorage
import NIOHTTP1

/// A pool in a bucket of a cloud's service.
package protocol CloudStore: ObjectStore {
    associatedtype Client: CloudClient

    var client: Client { get }
    /// How clients read the objects, and the prefix of their names.
    var reading: BucketReading { get }
    /// Repeats the steps of longer operations.
    var retries: StepRetry { get }

    /// The service's form of metadata.
    static var fields: MetadataFields { get }
    /// The name of the header field that requests a range.
    static var rangeField: String { get }
    /// The capabilities of the protocol, besides signed locations.
    static var features: StoreCapabilities.Features { get }
    /// Bytes.
    static var minPartSize: Int64 { get }
    /// Bytes.
    static var maxPartSize: Int64 { get }
    static var maxParts: Int { get }
    /// Bytes.
    static var maxObjectSize: Int64 { get }
    /// Bytes of a part of a copy by the service.
    static var minCopyPartSize: Int64 { get }

    /// Adds a check to a body that contains the whole object.
    ///
    /// - Parameter range: What was requested of it.
    func checked(_ body: ByteStream, of answer: ServiceAnswer<Client.Failure>, range: ByteRange?) -> ByteStream
}

extension CloudStore {
    package static var rangeField: String { "range" }
    package static var minCopyPartSize: Int64 { minPartSize }
    package func checked(_ body: ByteStream, of answer: ServiceAnswer<Client.Failure>, range: ByteRange?) -> ByteStream { body }

    var errors: CloudErrors { Client.Failure.errors }

    package static func capabilities(_ access: BucketAccess) -> StoreCapabilities {
        StoreCapabilities(
            features: access == .presigned ? features.union(.presignedLocations) : features, maxObjectSize: maxObjectSize,
            minPartSize: minPartSize, maxPartSize: maxPartSize, maxParts: maxParts)
    }

    /// The object's name in the bucket.
    package func name(of key: ObjectKey) -> String { reading.keyPrefix + key.description }

    package func location(of key: ObjectKey, life: Duration) async throws -> ObjectLocation {
        switch reading.access {
        case .presigned: try await client.signedURL(ofKey: name(of: key), version: nil, base: reading.publicURL, life: life)
        case .public: ObjectLocation(url: client.url(ofKey: name(of: key), base: reading.publicURL))
        }
    }

    // MARK: Conditions

    /// - Parameter size: What an upload will have, in bytes, if that is known.
    package func requireRoom(for size: Int64?) throws {
        guard let size, size > Self.maxObjectSize else { return }
        throw errors.invalid("\(size) bytes are more than an object may have", "beginUpload")
    }

    /// Checks before a conditional write, because not every service enforces the condition; only the service can guard the time in between.
    package func requireAbsent(_ key: ObjectKey, call: String) async throws {
        try await retries.run { _ in try await lookAbsent(key, call: call) }
    }

    /// The same in one request, for callers that retry it.
    package func lookAbsent(_ key: ObjectKey, call: String) async throws {
        do {
            _ = try await head(key)
        } catch let error as StorageError where error.code == .notFound && !isAboutBucket(error) {
            return
        }
        throw errors.error(.preconditionFailed, "the object \(key) exists already", call)
    }

    /// Whether it is the bucket that does not exist.
    package func isAboutBucket(_ error: StorageError) -> Bool {
        (error.cause as? Client.Failure)?.code == Client.Failure.missingBucket
    }

    /// Sends a request that deletes an object; succeeds if there is none.
    package func sendDeletion(_ call: Client.Call) async throws {
        do {
            _ = try await client.send(call)
        } catch let error as StorageError where error.code == .notFound && !isAboutBucket(error) {
            // Some services answer like this for an absent object.
        }
    }

    // MARK: Reading

    package func head(_ key: ObjectKey) async throws -> ObjectInfo {
        let answer = try await client.send(Client.Call("head", .HEAD, key: name(of: key), query: [], headers: [], body: .none))
        guard let size = ObjectFields.size(answer.headers.first(name: "content-length")) else {
            throw errors.odd("the service does not say how long the object \(key) is", "head")
        }
        return info(of: key, size: size, answer)
    }

    /// - Throws: `.unavailable` if the answer contradicts the request or itself.
    package func get(_ key: ObjectKey, range: ByteRange?) async throws -> ObjectContent {
        let fields = range.map { [(name: Self.rangeField, value: $0.fieldValue)] } ?? []
        let answer = try await client.send(Client.Call("get", .GET, key: name(of: key), query: [], headers: fields, body: .none))
        guard answer.status == 206, let range else { return try whole(of: key, range: range, answer) }
        guard let stated = answer.headers.first(name: "content-range").flatMap(ContentRange.init), let held = stated.bytes,
            let size = stated.total, held == range.clamped(toSize: size),
            answer.headers.first(name: "content-length").map({ ObjectFields.size($0) == held.length }) ?? true
        else { throw errors.odd("the service sends a range of the object \(key) that was not requested", "get") }
        return ObjectContent(info: info(of: key, size: size, answer), range: held, body: answer.body)
    }

    /// Reads the answer of a service that sent the whole object, whether or not a range was requested.
    private func whole(
        of key: ObjectKey, range: ByteRange?, _ answer: ServiceAnswer<Client.Failure>
    ) throws -> ObjectContent {
        guard !answer.headers.contains(name: "content-range") else {
            // Only a part of the object, whatever the status says.
            throw errors.odd("the service sends a part of the object \(key) as if it were the whole", "get")
        }
        guard answer.status == 200, let size = ObjectFields.size(answer.headers.first(name: "content-length")) else {
            throw errors.odd("the service does not say how long the object \(key) is", "get")
        }
        let info = info(of: key, size: size, answer)
        let body = checked(answer.body, of: answer, range: range)
        guard let range else { return ObjectContent(info: info, range: nil, body: body) }
        guard let held = range.clamped(toSize: size) else {
            throw errors.invalid("the range begins beyond the end of the object \(key)", "get")
        }
        return ObjectContent(info: info, range: held, body: body.cut(to: held))
    }

    private func info(of key: ObjectKey, size: Int64, _ answer: ServiceAnswer<Client.Failure>) -> ObjectInfo {
        // If the answer does not say when the object was written.
        let now = client.now
        let lastModified = answer.headers.first(name: "last-modified").flatMap(Timestamp.init(rfc3339OrHTTPDate:)) ?? now
        return ObjectInfo(
            key: key, size: size, etag: ObjectFields.quoted(answer.headers.first(name: "etag") ?? ""), lastModified: lastModified,
            metadata: Self.fields.read(answer.headers, lastModified: lastModified))
    }
}
