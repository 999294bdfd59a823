package import MirrorCore
package import MirrorStorage

/// A request document that deletes several objects of a bucket, and the reading of its answer.
package struct BatchDeletion: Sendable {
    /// Keys in one request.
    package static let maxKeys = 1_000
    /// Bytes of the answer.
    package static let maxAnswer = 4 << 20

    private let objects: [(name: String, key: ObjectKey)]

    /// - Parameter name: Returns an object's name in the bucket.
    package init(_ keys: [ObjectKey], name: (ObjectKey) -> String) {
        objects = keys.map { (name: name($0), key: $0) }
    }

    /// - Parameter namespace: The namespace of the document's elements.
    package func document(namespace: String? = nil) -> String {
        let attribute = namespace.map { " xmlns=\"\($0)\"" } ?? ""
        var text = "<Delete\(attribute)><Quiet>true</Quiet>"
        for object in objects { text += "<Object><Key>\(Markup.escape(object.name))</Key></Object>" }
        return text + "</Delete>"
    }

    /// The objects that were not deleted according to the answer.
    ///
    /// - Parameters:
    ///   - gone: Codes for objects that do not exist.
    ///   - read: Reads one element of the answer.
    package func failures<Failure: ServiceFailure>(
        in answer: XMLTree, bucket: String, gone: Set<String>, _ read: (XMLTree) -> Failure
    ) -> [ObjectKey: StorageError] {
        let known = Dictionary(objects.map { ($0.name, $0.key) }) { first, _ in first }
        var failures: [ObjectKey: StorageError] = [:]
        for entry in answer.all("Error") {
            guard let key = entry["Key"].flatMap({ known[$0.text] }) else { continue }
            let failure = read(entry)
            if gone.contains(failure.code) { continue }
            failures[key] = failure.storageError(call: "delete", bucket: bucket, subject: "object \(key)")
        }
        return failures
    }
}

extension ObjectStore {
    /// Deletes in batches, for a service with a limit on the objects in one request.
    ///
    /// - Parameter deleteBatch: Deletes at most `limit` objects.
    package func delete(
        _ keys: [ObjectKey], inBatchesOf limit: Int, _ deleteBatch: ([ObjectKey]) async throws -> [ObjectKey: StorageError]
    ) async throws -> [ObjectKey: StorageError] {
        var failures: [ObjectKey: StorageError] = [:]
        for start in stride(from: 0, to: keys.count, by: limit) {
            let batch = Array(keys[start..<min(start + limit, keys.count)])
            failures.merge(try await deleteBatch(batch)) { first, _ in first }
        }
        return failures
    }
}
