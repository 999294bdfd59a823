import MirrorCore
package import MirrorStorage
package import NIOCore
package import NIOHTTP1

/// An error answer of a cloud's service. Its texts are cut and cleaned, because they are logged.
package protocol ServiceFailure: Error, CustomStringConvertible {
    /// The first word of each error's operation.
    static var service: String { get }
    /// The service's code for a bucket that does not exist.
    static var missingBucket: String { get }

    /// The answer's status; below 300 if only the body showed that it is an error.
    var status: Int { get }
    /// The service's own error code; empty if it gave none.
    var code: String { get }
    var message: String { get }
    var requestID: String? { get }
    var retryAfter: Duration? { get }
    var meaning: FailureMeaning<Self> { get }
    /// Whether the credentials are useless, even for signing URLs.
    var refusesCredentials: Bool { get }
    /// Whether the refusal concerns the caller and says nothing about the object.
    var isAboutCaller: Bool { get }

    init(status: Int, headers: HTTPHeaders, body: ByteBuffer)
    /// - Parameter document: The error, or what contains it; `nil` if there is none.
    init(status: Int, headers: HTTPHeaders, document: XMLTree?)
}

extension ServiceFailure {
    package init(status: Int, headers: HTTPHeaders, body: ByteBuffer) {
        self.init(status: status, headers: headers, document: try? XMLTree(parsing: body))
    }

    /// Creates the errors that do not come from the service.
    package static var errors: CloudErrors { CloudErrors(service: service) }

    /// Whether the same request may succeed a little later.
    package var mayRepeat: Bool {
        if case .sameRequest = meaning.again { true } else { false }
    }

    /// Whether the server does not know the call.
    package var isUnsupported: Bool { meaning.code == .unsupported || status == 501 || status == 405 }

    /// `SlowDown (503)`
    package var description: String { code.isEmpty ? "status \(status)" : "\(code) (\(status))" }

    /// Includes the service's message and request ID.
    package var described: String { "\(self)\(message.isEmpty ? "" : ": \(message)")\(requestID.map { ", request \($0)" } ?? "")" }

    /// The error as a ``StorageError``; its message says what to do if anything must be done.
    ///
    /// - Parameter call: `head`; becomes the second word of the error's operation.
    /// - Parameter subject: What the request was for: `object ab/c of the bucket d`.
    package func storageError(call: String, bucket: String, subject: String) -> StorageError {
        let meaning = meaning
        // A gateway that gave up does not know what the service behind it does. See `CloudErrors` for broken connections.
        let isUnknown = call == "delete" && [502, 504].contains(status) && meaning.code == .unavailable
        return StorageError(
            isUnknown ? .timedOut : meaning.code, "\(meaning.words(self, bucket, subject)) (\(described))",
            operation: "\(Self.service).\(call)", retryAfter: retryAfter, cause: self)
    }

    /// The wait that an answer asks for, at most an hour. A moment is measured from the answer's own.
    package static func retryAfter(_ headers: HTTPHeaders) -> Duration? {
        let now = headers.first(name: "date").flatMap(Timestamp.init(httpDate:)) ?? Timestamp(milliseconds: .max)
        return headers.first(name: "retry-after").flatMap { Duration(retryAfter: $0, now: now, limit: .seconds(3_600)) }
    }

    /// A request's ID; `nil` if there is none.
    package static func requestID(_ text: String?) -> String? {
        text.map { cleaned($0, limit: 80) }.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Without control characters, which could forge log lines, and at most `limit` characters long.
    package static func cleaned(_ text: String, limit: Int) -> String {
        var clean = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            guard clean.count < limit else { break }
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: clean.append(" ")
            default: clean.append(scalar)
            }
        }
        return String(clean)
    }
}
