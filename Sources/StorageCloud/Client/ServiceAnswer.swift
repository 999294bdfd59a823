package import MirrorNet
package import MirrorStorage
import NIOCore
package import NIOHTTP1

/// An answer of a cloud's service.
package struct ServiceAnswer<Failure: ServiceFailure>: Sendable {
    package var status: Int
    package let headers: HTTPHeaders
    /// Its errors are ``StorageError``s.
    package let body: ByteStream
    /// Set if the answer is an error; then `body` is in memory.
    package var failure: Failure?

    /// - Parameter expected: Further statuses that are not failures.
    package init(_ response: ServiceResponse, to call: String, expected: Set<Int> = []) async throws {
        (status, headers) = (response.status, response.headers)
        guard status >= 300, status != 304, !expected.contains(status) else {
            body = ByteStream(AnswerBody(response.body, errors: Failure.errors, call: call))
            return
        }
        let beginning = try await response.body.beginning(upTo: maxFailureSize)
        body = ByteStream(beginning)
        failure = Failure(status: status, headers: headers, body: beginning)
    }
}

/// Bytes of an error answer that are read.
private let maxFailureSize = 256 << 10

extension ServiceResponseBody {
    /// Reads the beginning of an answer; the rest is discarded, and the connection closed.
    ///
    /// - Parameter limit: Bytes.
    fileprivate func beginning(upTo limit: Int) async throws -> ByteBuffer {
        var bytes = ByteBuffer()
        for try await var chunk in self {
            guard bytes.readableBytes + chunk.readableBytes <= limit else { break }
            bytes.writeBuffer(&chunk)
        }
        return bytes
    }
}
