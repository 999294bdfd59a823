/// The requests that a running mirror makes, and what a bucket's owner has to permit for each: the roles of docs/operations.md are made from this, and a
/// test holds it against the requests that are really made.
///
/// Source: Cloud Storage, "IAM permissions for XML methods" and "IAM permissions for JSON methods".
package enum GCSPermissions {
    package enum Role: String, Sendable, CaseIterable {
        /// Answers requests: looks for objects, deletes what is purged or expired.
        case frontEnd = "front end"
        /// Makes copies into the pool.
        case copier
        /// Reads artifacts out of an origin's bucket, for both, and for the pool's service where that copies by itself.
        case origin
    }

    /// By the name of the ``GCSCall``.
    package static let calls: [(call: String, role: Role, permissions: [String])] = [
        // Without storage.objects.list a missing object is answered with 403, which cannot be told from a refusal.
        ("head", .frontEnd, [get, list]),
        ("get", .frontEnd, [get]),
        ("checkHealth", .frontEnd, [list]),
        ("list", .frontEnd, [list]),
        ("delete", .frontEnd, [delete]),
        ("head", .copier, [get, list]),
        // To replace an object is to delete one.
        ("put", .copier, [create, delete]),
        ("createUpload", .copier, [multipart, create]),
        ("writePart", .copier, [multipart, create]),
        ("complete", .copier, [multipart, create]),
        ("abort", .copier, ["storage.multipartUploads.abort"]),
        ("beginSession", .copier, [create]),
        ("writeChunk", .copier, [create]),
        ("endSession", .copier, [create]),
        ("publish", .copier, [create, delete, get]),
        ("copy", .copier, [create, delete, get]),
        // Of what an upload leaves behind, and of a copy that was purged meanwhile.
        ("delete", .copier, [delete]),
        ("originGet", .origin, [get, list]),
        ("originHead", .origin, [get, list]),
    ]

    private static let get = "storage.objects.get"
    private static let list = "storage.objects.list"
    private static let create = "storage.objects.create"
    private static let delete = "storage.objects.delete"
    private static let multipart = "storage.multipartUploads.create"

    package static func calls(of role: Role) -> Set<String> {
        Set(calls.filter { $0.role == role }.map(\.call))
    }

    /// The least that a role needs.
    package static func permissions(of role: Role) -> [String] {
        Set(calls.filter { $0.role == role }.flatMap(\.permissions)).sorted()
    }

    /// Each role as a custom role of IAM, as Markdown.
    package static func markdown() -> String {
        Role.allCases.map { role in
            """
            A role for the \(role.rawValue) on Google Cloud, granted on the \(role == .origin ? "origin's" : "pool's") bucket:

            ```yaml
            title: cloud-mirror \(role.rawValue)
            includedPermissions:
            \(permissions(of: role).map { "- \($0)" }.joined(separator: "\n"))
            ```

            """
        }.joined(separator: "\n")
    }
}
