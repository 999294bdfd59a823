package import MirrorStorage

/// What a service's error answer means. Each service has a table of its error codes; the statuses of answers without a code have one table for all
/// services.
package struct FailureMeaning<Failure: ServiceFailure>: Sendable {
    /// The likely result of another attempt.
    package enum Again: Sendable {
        /// The same answer.
        case no
        /// Success, if the whole operation starts again: this request belonged to something that no longer exists.
        case newOperation
        /// Success, with the same request.
        case sameRequest
    }

    package typealias Words = @Sendable (_ failure: Failure, _ bucket: String, _ subject: String) -> String

    package let code: StorageError.Code
    package let again: Again
    /// The message; says what to do if anything must be done.
    package let words: Words

    package init(_ code: StorageError.Code, _ again: Again, _ words: @escaping Words) {
        self.code = code
        self.again = again
        self.words = words
    }

    /// A row of a service's table.
    package static func row(
        _ codes: [String], _ code: StorageError.Code, _ again: Again, _ words: @escaping Words
    ) -> (codes: [String], meaning: Self) {
        (codes, Self(code, again, words))
    }

    /// The rows of a service's table, by code.
    package static func byCode(_ rows: [(codes: [String], meaning: Self)]) -> [String: Self] {
        var table: [String: Self] = [:]
        for (codes, meaning) in rows { for code in codes { table[code] = meaning } }
        return table
    }

    /// - Parameter status: The answer's status; below 300 if only the body showed that it is an error.
    package static func of(status: Int) -> Self {
        switch status {
        case 404: Self(.notFound, .no) { _, _, subject in "there is no \(subject)" }
        case 401, 403: Self(.permissionDenied, .no) { _, _, subject in "the service does not permit this for \(subject)" }
        case 408: timedOut
        case 409: Self(.unavailable, .sameRequest) { _, _, subject in "something else is changing \(subject) at the moment" }
        case 412: changed
        case 416: Self(.invalidRequest, .no) { _, _, subject in "the range begins beyond the end of \(subject)" }
        case 429, 503: throttled
        case 405, 501: unsupported
        case 507: full
        case 200...299:
            Self(.unavailable, .sameRequest) { _, _, subject in "the service began to answer and then failed, for \(subject)" }
        case 425, 500...599: Self(.unavailable, .sameRequest) { _, _, _ in "the service failed" }
        default: refused
        }
    }

    package static var throttled: Self { Self(.throttled, .sameRequest) { _, _, _ in "the service asks for fewer requests" } }
    package static var timedOut: Self { Self(.timedOut, .sameRequest) { _, _, _ in "the service waited too long for the request" } }
    package static var changed: Self { Self(.preconditionFailed, .no) { _, _, subject in "\(subject) is not as it was expected to be" } }
    package static var full: Self { Self(.full, .no) { _, bucket, _ in "the bucket \(bucket) accepts no more bytes" } }
    package static var unsupported: Self { Self(.unsupported, .no) { _, _, subject in "the service cannot do this with \(subject)" } }
    package static var refused: Self { Self(.invalidRequest, .no) { _, _, subject in "the service refuses this for \(subject)" } }
}
