package import MirrorStorage
package import NIOHTTP1

/// What a cloud's service answered.
package protocol ServiceAnswer: Sendable {
    associatedtype Failure: ServiceFailure

    var status: Int { get }
    var headers: HTTPHeaders { get }
    /// Its errors are ``StorageError``s.
    var body: ByteStream { get }
    /// When it is an answer that says why not; `body` is in memory then.
    var failure: Failure? { get }
}

extension ServiceAnswer {
    /// The body as a document.
    ///
    /// - Parameter limit: Bytes.
    /// - Throws: What reading it throws; `.unavailable` when it is none.
    package func document(of call: String, limit: Int, errors: CloudErrors) async throws -> XMLTree {
        let bytes = try await body.collect(upTo: limit)
        do {
            return try XMLTree(parsing: bytes, limit: limit)
        } catch {
            throw errors.odd("the service's answer is \(error)", call)
        }
    }
}
