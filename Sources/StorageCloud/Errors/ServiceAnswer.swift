package import MirrorStorage
package import NIOHTTP1

/// An answer of a cloud's service.
package protocol ServiceAnswer: Sendable {
    associatedtype Failure: ServiceFailure

    var status: Int { get }
    var headers: HTTPHeaders { get }
    /// Its errors are ``StorageError``s.
    var body: ByteStream { get }
    /// Set if the answer is an error; then `body` is in memory.
    var failure: Failure? { get }
}

extension ServiceAnswer {
    /// The body as a document.
    ///
    /// - Parameter limit: Bytes.
    /// - Throws: Errors of reading the body; `.unavailable` if it is not a document.
    package func document(of call: String, limit: Int, errors: CloudErrors) async throws -> XMLTree {
        let bytes = try await body.collect(upTo: limit)
        do {
            return try XMLTree(parsing: bytes, limit: limit)
        } catch {
            throw errors.odd("the service's answer is \(error)", call)
        }
    }
}
