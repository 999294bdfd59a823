/// What a running mirror needs a bucket's owner to permit.
package enum MirrorRole: String, Sendable, CaseIterable {
    /// Answers requests: looks for objects, signs locations, deletes what is purged or expired.
    case frontEnd = "front end"
    /// Makes copies into the pool.
    case copier
    /// Reads artifacts from an origin's bucket, for both, and for the pool's service where that copies by itself.
    case origin
}

/// The requests that a running mirror makes to a service, and what the bucket's owner has to permit for each.
///
/// The roles and policies of docs/operations.md are made from this, and a test compares it with the requests that are really made.
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
