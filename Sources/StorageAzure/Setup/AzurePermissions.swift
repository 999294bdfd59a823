/// The requests that a running mirror makes, and what has to be permitted for each: the roles of docs/operations.md are made from this, and
/// a test holds it against the requests that are really made.
///
/// Source: Azure Storage REST API, "Authorize with Microsoft Entra ID", permissions for calling data operations.
package enum AzurePermissions {
    package enum Role: String, Sendable, CaseIterable {
        /// Answers requests: looks for objects, signs locations, deletes what is purged or expired.
        case frontEnd = "front end"
        /// Makes copies into the pool.
        case copier
        /// Reads artifacts out of an origin's container, for both, and for the pool's service where that copies by itself.
        case origin
    }

    /// The action, and whether it is one on data.
    package typealias Permission = (action: String, isOnData: Bool)

    /// By the name of the ``AzureCall``.
    package static let calls: [(call: String, role: Role, permissions: [Permission])] = [
        ("head", .frontEnd, [read]),
        ("get", .frontEnd, [read]),
        ("checkHealth", .frontEnd, [read]),
        ("list", .frontEnd, [read]),
        ("delete", .frontEnd, [delete]),
        ("delegationKey", .frontEnd, [sign]),
        ("head", .copier, [read]),
        ("put", .copier, [write]),
        ("writePart", .copier, [write]),
        ("complete", .copier, [write]),
        ("copy", .copier, [write]),
        ("copyPart", .copier, [write]),
        // What a copy leaves behind that was purged meanwhile.
        ("delete", .copier, [delete]),
        ("originGet", .origin, [read]),
        ("originHead", .origin, [read]),
        ("delegationKey", .origin, [sign]),
    ]

    private static let blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
    private static let read: Permission = ("\(blobs)/read", true)
    private static let write: Permission = ("\(blobs)/write", true)
    private static let delete: Permission = ("\(blobs)/delete", true)
    /// Addresses, in the name of an identity; an account key needs no permission.
    private static let sign: Permission = ("Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action", false)

    package static func calls(of role: Role) -> Set<String> {
        Set(calls.filter { $0.role == role }.map(\.call))
    }

    /// Each role's definition, as Markdown.
    package static func markdown() -> String {
        Role.allCases.map { role in
            """
            A role on Azure for the \(role.rawValue):

            ```json
            \(definition(of: role))
            ```

            """
        }.joined(separator: "\n")
    }

    /// A definition of a role with the least that is needed, as `az role definition create` takes it.
    package static func definition(of role: Role) -> String {
        let needed = calls.filter { $0.role == role }.flatMap(\.permissions)
        func actions(_ isOnData: Bool) -> String {
            let actions = Set(needed.filter { $0.isOnData == isOnData }.map(\.action)).sorted()
            return "[\(actions.map { "\"\($0)\"" }.joined(separator: ", "))]"
        }
        return """
            {
              "Name": "cloud-mirror \(role.rawValue)",
              "Description": "What the \(role.rawValue) of cloud-mirror needs",
              "Actions": \(actions(false)),
              "DataActions": \(actions(true)),
              "AssignableScopes": ["/subscriptions/SUBSCRIPTION/resourceGroups/GROUP"]
            }
            """
    }
}
