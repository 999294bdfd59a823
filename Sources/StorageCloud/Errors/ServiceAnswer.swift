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
