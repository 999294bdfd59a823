/// The parts of a running mirror that need permissions from a bucket's owner.
package enum MirrorRole: String, Sendable, CaseIterable {
    /// Answers requests: looks for objects, signs locations, deletes what is purged or expired.
    case frontEnd = "front end"
    /// Makes copies into the pool.
    case copier
    /// Reads artifacts from an origin's bucket, for front ends, copiers, and the pool's service if that copies by itself.
    case origin
}

/// The requests that a running mirror makes to a service, and the permissions that the bucket's owner must grant for each.
///
/// The roles and policies in docs/operations.md are generated from this, and a test compares it with the requests that are really made.
package protocol ServicePermissions {
    associatedtype Permission

    /// By the name of the call.
    static var calls: [(call: String, role: MirrorRole, permissions: [Permission])] { get }
}

extension ServicePermissions {
    package static func calls(of role: MirrorRole) -> Set<String> {
        Set(calls.filter { $0.role == role }.map(\.call))
    }

    /// Everything that a role needs; a permission may be listed more than once.
    package static func needed(by role: MirrorRole) -> [Permission] {
        calls.filter { $0.role == role }.flatMap(\.permissions)
    }

    /// A section of Markdown for each role: a line of text and a document.
    package static func markdown(
        _ language: String, title: (MirrorRole) -> String, document: (MirrorRole) -> String
    ) -> String {
        MirrorRole.allCases.map { role in
            """
            \(title(role)):

            ```\(language)
            \(document(role))
            ```

            """
        }.joined(separator: "\n")
    }
}
