package import HTTPTypes

/// What a client gets for a page.
package struct PageAnswer: Sendable {
    /// How fresh the answer is.
    package enum Freshness: String, Sendable, CaseIterable {
        /// Confirmed by the origin a short time ago.
        case fresh
        /// Confirmed by the origin for this request.
        case revalidated
        /// Sent by the origin for this request.
        case fetched
        /// The origin cannot be asked.
        case stale
    }

    /// 200, 304, or the origin's own: 404, 410, ….
    package let status: Int
    /// Without those about the connection and the length.
    package let fields: HTTPFields
    package let body: PageBody
    package let freshness: Freshness
}

/// Why there is no page. A client that is allowed to can still ask the origin itself.
package struct PageError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        /// The egress policy refuses the origin, or an address that it redirects to.
        case refused
        /// The origin redirects to a destination that is not allowed; clients may follow it.
        case redirectRefused
        /// The origin does not answer, or breaks off.
        case unreachable
        /// It does not answer in time.
        case timedOut
        /// Its answer is not a page: it is encoded although that was not requested, or it is HTML where that is impossible.
        case unusable
        /// The page is larger than the settings allow.
        case tooLarge
        /// Too many pages are being fetched, or none can be kept.
        case unavailable
        /// The client's network has used up its budget for pages that are not stored.
        case overBudget
    }

    package let code: Code
    /// May be shown to clients.
    package let message: String

    package var description: String { "\(code.rawValue): \(message)" }
}
