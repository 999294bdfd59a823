package import MirrorNet
package import MirrorStorage
package import NIOCore

/// The body of a service's answer, with its errors translated to ``StorageError``s.
package struct AnswerBody: AsyncSequence, Sendable {
    private let base: ServiceResponseBody
    private let errors: CloudErrors
    private let call: String

    package init(_ base: ServiceResponseBody, errors: CloudErrors, call: String) {
        self.base = base
        self.errors = errors
        self.call = call
    }

    package struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate var base: ServiceResponseBody.AsyncIterator
        fileprivate let errors: CloudErrors
        fileprivate let call: String

        package mutating func next() async throws -> ByteBuffer? {
            do {
                return try await base.next()
            } catch {
                throw errors.mapping(error, call: call)
            }
        }
    }

    package func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(base: base.makeAsyncIterator(), errors: errors, call: call)
    }
}

/// Bytes of an error answer that are read.
private let maxFailureSize = 256 << 10

extension ServiceResponse {
    /// The body of an answer.
    ///
    /// - Parameter expected: Further statuses that are not failures.
    /// - Returns: The body. If the answer is an error, also the beginning of the body, which is then in memory.
    package func content(
        of call: String, expected: Set<Int> = [], errors: CloudErrors
    ) async throws -> (stream: ByteStream, failure: ByteBuffer?) {
        guard status >= 300, status != 304, !expected.contains(status) else {
            return (ByteStream(AnswerBody(body, errors: errors, call: call)), nil)
        }
        let beginning = try await body.beginning(upTo: maxFailureSize)
        return (ByteStream(beginning), beginning)
    }
}

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
