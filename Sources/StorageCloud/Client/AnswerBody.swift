import MirrorNet
import MirrorStorage
import NIOCore

/// The body of a service's answer, with its errors translated to ``StorageError``s.
struct AnswerBody: AsyncSequence, Sendable {
    private let base: ServiceResponseBody
    private let errors: CloudErrors
    private let call: String

    init(_ base: ServiceResponseBody, errors: CloudErrors, call: String) {
        self.base = base
        self.errors = errors
        self.call = call
    }

    struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate var base: ServiceResponseBody.AsyncIterator
        fileprivate let errors: CloudErrors
        fileprivate let call: String

        mutating func next() async throws -> ByteBuffer? {
            do {
                return try await base.next()
            } catch {
                throw errors.mapping(error, call: call)
            }
        }
    }

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(base: base.makeAsyncIterator(), errors: errors, call: call)
    }
}
