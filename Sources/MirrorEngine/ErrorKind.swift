import MirrorCore
import MirrorNet
import MirrorState
import MirrorStorage

/// The label of an error in metrics: one of a closed list.
///
/// A wrapped error is counted as the underlying one: a full disk is `storage.full`, wherever it was noticed.
package enum ErrorKind {
    /// The kinds of errors of one part of the program.
    package struct Group: Sendable {
        package let prefix: String
        package let words: [String]
        package let meaning: String
    }

    package static let groups: [Group] = [
        Group(prefix: "storage", words: StorageError.Code.allCases.map(\.rawValue), meaning: "A pool's storage failed."),
        Group(prefix: "state", words: StateError.Code.allCases.map(\.rawValue), meaning: "The state store failed."),
        Group(
            prefix: "origin", words: StorageError.Code.allCases.map(\.rawValue),
            meaning: "A bucket that is an origin failed, or refused the mirror's credentials."),
        Group(prefix: "outbound", words: OutboundError.Kind.allCases.map(\.rawValue), meaning: "A request to an origin failed."),
        Group(
            prefix: "copy", words: CopyFailure.Reason.words,
            meaning: "A copy failed for another reason: what the origin answered, or what it sent."),
    ]

    /// An error that no part of the program was expected to throw.
    package static let other = "other"

    package static let all: [String] = groups.flatMap { group in group.words.map { "\(group.prefix).\($0)" } } + [other]

    package static func of(_ error: any Error) -> String {
        switch error {
        case let error as CopyError:
            if error.isOfBucket, let cause = error.cause as? StorageError {
                "origin.\(cause.code.rawValue)"
            } else {
                error.cause.map(of) ?? of(error.reason)
            }
        case let error as StorageError: (error.cause as? StorageError).map { of($0) } ?? "storage.\(error.code.rawValue)"
        case let error as StateError: (error.cause as? StateError).map { of($0) } ?? "state.\(error.code.rawValue)"
        case let error as OutboundError: "outbound.\(error.code.kind.rawValue)"
        default: other
        }
    }

    static func of(_ reason: CopyFailure.Reason) -> String { "copy.\(reason.word)" }
}
