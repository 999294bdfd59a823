package import StorageCloud

/// The permissions that the mirror needs in the service.
///
/// Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3".
package enum S3Permissions: ServicePermissions {
    /// The action, and whether it applies to the bucket instead of its objects.
    package typealias Permission = (action: String, isOnBucket: Bool)

    /// By the name of the ``S3Call``.
    package static let calls: [(call: String, role: MirrorRole, permissions: [Permission])] = [
        // Without s3:ListBucket, a missing object is answered with 403, which looks like a refusal.
        ("head", .frontEnd, [getObject, listBucket]),
        ("get", .frontEnd, [getObject]),
        ("checkHealth", .frontEnd, [listBucket]),
        ("list", .frontEnd, [listBucket]),
        ("delete", .frontEnd, [deleteObject]),
        ("head", .copier, [getObject, listBucket]),
        ("put", .copier, [putObject]),
        ("createUpload", .copier, [putObject]),
        ("writePart", .copier, [putObject]),
        ("complete", .copier, [putObject]),
        ("abort", .copier, [("s3:AbortMultipartUpload", false)]),
        ("copy", .copier, [putObject]),
        ("copyPart", .copier, [putObject]),
        // Removes a copy of an artifact that was purged in the meantime.
        ("delete", .copier, [deleteObject]),
        ("originGet", .origin, [getObject, listBucket]),
        ("originHead", .origin, [getObject, listBucket]),
    ]

    private static let getObject: Permission = ("s3:GetObject", false)
    private static let putObject: Permission = ("s3:PutObject", false)
    private static let deleteObject: Permission = ("s3:DeleteObject", false)
    private static let listBucket: Permission = ("s3:ListBucket", true)

    /// Each role's policy, as Markdown.
    package static func markdown() -> String {
        markdown("json", title: { "A policy for the \($0.rawValue)" }, document: policy)
    }

    /// A policy document with the minimum that the role needs.
    package static func policy(of role: MirrorRole) -> String {
        let needed = needed(by: role)
        let bucket = role == .origin ? "ORIGIN-BUCKET" : "POOL-BUCKET"
        func statement(_ isOnBucket: Bool) -> String {
            let actions = Set(needed.filter { $0.isOnBucket == isOnBucket }.map(\.action)).sorted()
            let resource = "arn:aws:s3:::\(bucket)\(isOnBucket ? "" : "/*")"
            let list = actions.map { "\"\($0)\"" }.joined(separator: ", ")
            return #"    {"Effect": "Allow", "Action": [\#(list)], "Resource": "\#(resource)"}"#
        }
        return """
            {
              "Version": "2012-10-17",
              "Statement": [
            \(statement(false)),
            \(statement(true))
              ]
            }
            """
    }
}
