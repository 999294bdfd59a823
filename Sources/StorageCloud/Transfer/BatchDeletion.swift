package import Logging
package import MirrorCore
package import MirrorStorage
import NIOHTTP1

/// A request document that deletes several objects of a bucket, and the reading of its answer.
private struct BatchDeletion {
    /// Keys in one request.
    static let maxKeys = 1_000
    /// Bytes of the answer.
    static let maxAnswer = 4 << 20

    let objects: [(name: String, key: ObjectKey)]
    /// The namespace of the document's elements.
    let namespace: String?

    var document: String {
        let attribute = namespace.map { " xmlns=\"\($0)\"" } ?? ""
        var text = "<Delete\(attribute)><Quiet>true</Quiet>"
        for object in objects { text += "<Object><Key>\(Markup.escape(object.name))</Key></Object>" }
        return text + "</Delete>"
    }

    /// The objects that were not deleted according to the answer, which mentions no others.
    ///
    /// - Parameter gone: Codes for objects that do not exist.
    /// - Throws: `.timedOut` if it is not an answer to a deletion: the service may have deleted, or be about to.
    func failures<Failure: ServiceFailure>(
        in answer: XMLTree, _: Failure.Type, bucket: String, gone: Set<String>
    ) throws -> [ObjectKey: StorageError] {
        guard answer.name == "DeleteResult" else {
            throw Failure.errors.error(.timedOut, "the service's answer does not say what was deleted", "delete")
        }
        let known = Dictionary(objects.map { ($0.name, $0.key) }) { first, _ in first }
        var mentioned: Set<ObjectKey> = []
        var failures: [ObjectKey: StorageError] = [:]
        var unassigned: Failure?
        for entry in answer.all("Error") {
            let failure = Failure(status: 200, headers: [:], document: entry)
            guard let key = entry["Key"].flatMap({ known[$0.text] }) else {
                unassigned = failure
                continue
            }
            mentioned.insert(key)
            if gone.contains(failure.code) { continue }
            failures[key] = failure.storageError(call: "delete", bucket: bucket, subject: "object \(key)")
        }
        guard let unassigned else { return failures }
        // It may be about any of the others.
        for key in known.values where !mentioned.contains(key) {
            failures[key] = unassigned.storageError(call: "delete", bucket: bucket, subject: "object \(key)")
        }
        return failures
    }
}

extension CloudStore {
    /// Deletes with the request for many objects ("DeleteObjects"), or one by one if the service does not have it.
    ///
    /// - Parameters:
    ///   - gone: Codes for objects that do not exist.
    ///   - namespace: The namespace of the document's elements.
    ///   - call: Makes the request from its document.
    package func delete(
        _ keys: [ObjectKey], gone: Set<String>, namespace: String? = nil, logger: Logger, _ call: (String) -> Client.Call
    ) async throws -> [ObjectKey: StorageError] {
        try await delete(keys, inBatchesOf: BatchDeletion.maxKeys) { keys in
            let batch = BatchDeletion(objects: keys.map { (name: name(of: $0), key: $0) }, namespace: namespace)
            let document: XMLTree
            do {
                document = try await client.document(call(batch.document), limit: BatchDeletion.maxAnswer)
            } catch let error as StorageError where error.code == .unsupported {
                logger.info(
                    "the service does not delete in batches; objects are deleted one by one", metadata: ["bucket": "\(client.bucket)"])
                return try await deleteOneByOne(keys)
            }
            return try batch.failures(in: document, Client.Failure.self, bucket: client.bucket, gone: gone)
        }
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
