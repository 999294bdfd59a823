package import MirrorCore
package import MirrorStorage
import NIOHTTP1

/// Reads a service's answers about the objects of a pool.
package struct ObjectAnswers: Sendable {
    private let fields: MetadataFields
    private let errors: CloudErrors

    package init(fields: MetadataFields, errors: CloudErrors) {
        self.fields = fields
        self.errors = errors
    }

    /// Reads the answer to a request for the fields alone.
    ///
    /// - Parameter now: By the service's clock: used if the answer does not say when the object was written.
    /// - Throws: `.unavailable` if it does not state the object's size.
    package func info(of key: ObjectKey, _ answer: some ServiceAnswer, now: Timestamp) throws -> ObjectInfo {
        guard let size = ObjectFields.size(answer.headers.first(name: "content-length")) else {
            throw errors.odd("the service does not say how long the object \(key) is", "head")
        }
        return info(of: key, size: size, answer, now: now)
    }

    /// Reads the answer to a request for an object, or for a range of it.
    ///
    /// - Parameters:
    ///   - now: As for ``info(of:_:now:)``.
    ///   - checked: Adds a check to a body that contains the whole object.
    /// - Throws: `.unavailable` if the answer contradicts the request or itself; `.invalidRequest` if the range is not within the object.
    package func content(
        of key: ObjectKey, range: ByteRange?, _ answer: some ServiceAnswer, now: Timestamp, checked: (ByteStream) -> ByteStream = { $0 }
    ) throws -> ObjectContent {
        guard answer.status == 206, let range else {
            return try whole(of: key, range: range, answer, now: now, checked: checked)
        }
        guard let stated = answer.headers.first(name: "content-range").flatMap(ContentRange.init), let held = stated.bytes,
            let size = stated.total, held == range.clamped(toSize: size),
            answer.headers.first(name: "content-length").map({ ObjectFields.size($0) == held.length }) ?? true
        else { throw errors.odd("the service sends a range of the object \(key) that was not requested", "get") }
        return ObjectContent(info: info(of: key, size: size, answer, now: now), range: held, body: answer.body)
    }

    /// Reads the answer of a service that sent the whole object, whether or not a range was requested.
    private func whole(
        of key: ObjectKey, range: ByteRange?, _ answer: some ServiceAnswer, now: Timestamp, checked: (ByteStream) -> ByteStream
    ) throws -> ObjectContent {
        guard !answer.headers.contains(name: "content-range") else {
            // Only a part of the object, whatever the status says.
            throw errors.odd("the service sends a part of the object \(key) as if it were the whole", "get")
        }
        guard answer.status == 200, let size = ObjectFields.size(answer.headers.first(name: "content-length")) else {
            throw errors.odd("the service does not say how long the object \(key) is", "get")
        }
        let info = info(of: key, size: size, answer, now: now)
        let body = checked(answer.body)
        guard let range else { return ObjectContent(info: info, range: nil, body: body) }
        guard let held = range.clamped(toSize: size) else {
            throw errors.invalid("the range begins beyond the end of the object \(key)", "get")
        }
        return ObjectContent(info: info, range: held, body: ByteStream(StreamCut(body, to: held)))
    }

    private func info(of key: ObjectKey, size: Int64, _ answer: some ServiceAnswer, now: Timestamp) -> ObjectInfo {
        let lastModified = answer.headers.first(name: "last-modified").flatMap(Timestamp.init(rfc3339OrHTTPDate:)) ?? now
        return ObjectInfo(
            key: key, size: size, etag: ObjectFields.quoted(answer.headers.first(name: "etag") ?? ""), lastModified: lastModified,
            metadata: fields.read(answer.headers, lastModified: lastModified))
    }
}
