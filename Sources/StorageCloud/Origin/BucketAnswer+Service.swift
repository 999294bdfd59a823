package import MirrorCore
package import MirrorStorage
import NIOHTTP1

extension BucketAnswer {
    /// A service's answer in the form for the client that asked.
    package init(_ answer: ServiceAnswer<some ServiceFailure>) {
        self.init(
            status: answer.status, headers: answer.headers.map { (name: $0.name, value: $0.value) },
            // The body of a signature error contains what was signed, which the client must not see.
            body: answer.failure == nil ? answer.body : ByteStream(chunks: []))
    }

    /// - Parameter name: Lower-case.
    package func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name }?.value
    }

    /// The entity tag with quotes; `nil` if there is none.
    package var etag: String? { header("etag").map(ObjectFields.quoted).flatMap { $0.isEmpty ? nil : $0 } }

    /// Whether the fields say that the body is exactly `range` of an object, cut off at the object's end.
    package func isExactly(_ range: ByteRange) -> Bool {
        guard let stated = header("content-range").flatMap(ContentRange.init), let held = stated.bytes, let size = stated.total else {
            return false
        }
        let length = header("content-length")
        return held == range.clamped(toSize: size) && (length == nil || ObjectFields.size(length) == held.length)
    }
}
