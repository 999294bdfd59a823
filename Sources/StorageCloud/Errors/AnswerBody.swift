package import MirrorNet
package import MirrorStorage
package import NIOCore

/// The body of a service's answer, with errors in the words of object stores.
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

/// Bytes of an answer that says why not.
private let maxFailureSize = 256 << 10

extension ServiceResponse {
    /// The body of an answer.
    ///
    /// - Parameter expected: Statuses besides those of success that are not failures.
    /// - Returns: The body; the beginning of it, which is in memory then, once more if the answer says why not.
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
    /// The beginning of what an answer says; the rest is dropped, and the connection with it.
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
