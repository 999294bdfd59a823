package import MirrorStorage

/// What a cloud's service says when it does not do what was asked. Its words are cut and cleaned: they get into logs.
package protocol ServiceFailure: Error, CustomStringConvertible {
    /// The first word of each error's operation.
    static var service: String { get }

    /// Of the answer; below 300 when it turned out to be an error only in its body.
    var status: Int { get }
    /// The service's own word; empty when it gave none.
    var code: String { get }
    var message: String { get }
    var requestID: String? { get }
    var retryAfter: Duration? { get }
    var meaning: FailureMeaning<Self> { get }
    /// Whether the credentials are of no use for anything, also not for signing addresses.
    var refusesCredentials: Bool { get }
    /// Whether the refusal says something about whoever asks, and nothing about the object.
    var isAboutCaller: Bool { get }
}

extension ServiceFailure {
    /// Whether the same request may succeed a little later.
    package var mayRepeat: Bool {
        if case .sameRequest = meaning.again { true } else { false }
    }

    /// What servers say to what they do not know.
    package var isUnsupported: Bool { meaning.code == .unsupported || status == 501 || status == 405 }

    /// `SlowDown (503)`
    package var description: String { code.isEmpty ? "status \(status)" : "\(code) (\(status))" }

    /// With what the service said beside the code.
    package var described: String { "\(self)\(message.isEmpty ? "" : ": \(message)")\(requestID.map { ", request \($0)" } ?? "")" }

    /// The same in the words of object stores, and where somebody has to do something, in words that say what.
    ///
    /// - Parameter call: `head`; becomes the second word of the error's operation.
    /// - Parameter subject: What was asked for: `object ab/c of the bucket d`.
    package func storageError(call: String, bucket: String, subject: String) -> StorageError {
        let meaning = meaning
        // A gateway that gave up says nothing of what the service behind it does. See `CloudErrors` for connections that break.
        let isUnknown = call == "delete" && [502, 504].contains(status) && meaning.code == .unavailable
        return StorageError(
            isUnknown ? .timedOut : meaning.code, "\(meaning.words(self, bucket, subject)) (\(described))",
            operation: "\(Self.service).\(call)", retryAfter: retryAfter, cause: self)
    }

    /// Without control characters, which could make lines of a log, and no longer than `limit` characters.
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
