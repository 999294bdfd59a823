package import StorageCloud

/// The permissions that the mirror needs on the service.
///
/// Source: Cloud Storage, "IAM permissions for XML methods" and "IAM permissions for JSON methods".
package enum GCSPermissions: ServicePermissions {
    /// By the name of the ``GCSCall``.
    package static let calls: [(call: String, role: MirrorRole, permissions: [String])] = [
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
        // Deletes the remains of an upload, and of a copy that was purged in the meantime.
        ("delete", .copier, [delete]),
        ("originGet", .origin, [get, list]),
        ("originHead", .origin, [get, list]),
    ]

    private static let get = "storage.objects.get"
    private static let list = "storage.objects.list"
    private static let create = "storage.objects.create"
    private static let delete = "storage.objects.delete"
    private static let multipart = "storage.multipartUploads.create"

    /// The least that a role needs.
    package static func permissions(of role: MirrorRole) -> [String] {
        Set(needed(by: role)).sorted()
    }

    /// Each role as a custom role of IAM, as Markdown.
    package static func markdown() -> String {
        markdown(
            "yaml",
            title: { "A role for the \($0.rawValue) on Google Cloud, granted on the \($0 == .origin ? "origin's" : "pool's") bucket" },
            document: { role in
                let permissions = permissions(of: role).map { "- \($0)" }.joined(separator: "\n")
                return "title: cloud-mirror \(role.rawValue)\nincludedPermissions:\n\(permissions)"
            })
    }
}
