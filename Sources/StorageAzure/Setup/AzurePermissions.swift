package import StorageCloud

/// The permissions that the mirror needs on the service.
///
/// Source: Azure Storage REST API, "Authorize with Microsoft Entra ID", permissions for calling data operations.
package enum AzurePermissions: ServicePermissions {
    /// The action, and whether it is a data action.
    package typealias Permission = (action: String, isOnData: Bool)

    /// By the name of the ``AzureCall``.
    package static let calls: [(call: String, role: MirrorRole, permissions: [Permission])] = [
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
        // The remains of a copy that was purged in the meantime.
        ("delete", .copier, [delete]),
        ("originGet", .origin, [read]),
        ("originHead", .origin, [read]),
        ("delegationKey", .origin, [sign]),
    ]

    private static let blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
    private static let read: Permission = ("\(blobs)/read", true)
    private static let write: Permission = ("\(blobs)/write", true)
    private static let delete: Permission = ("\(blobs)/delete", true)
    /// Signing URLs on behalf of an identity; an account key needs no permission.
    private static let sign: Permission = ("Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action", false)

    /// Each role's definition, as Markdown.
    package static func markdown() -> String {
        markdown("json", title: { "A role on Azure for the \($0.rawValue)" }, document: definition)
    }

    /// A definition of a role with the least that is needed, as `az role definition create` takes it.
    package static func definition(of role: MirrorRole) -> String {
        let needed = needed(by: role)
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
