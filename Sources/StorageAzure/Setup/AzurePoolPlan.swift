import MirrorStorage
import StorageCloud

/// What has to be done to a container for a pool.
struct AzurePoolPlan: PoolPlan {
    enum Step: Sendable, Equatable {
        case createContainer(AzureContainerState.PublicAccess)
        case setAccess(AzureContainerState.PublicAccess)
    }

    var lines: [PlannedLine<Step>] = []

    init(_ target: AzurePoolTarget, _ state: AzureContainerState) {
        switch state.exists {
        case .value(true):
            add(.ok, "the container \(target.container) exists in the account \(target.account)")
            planAccess(target, state)
        case .value(false):
            let readers = target.wantsPublicAccess ? "whose objects everybody may read" : "private"
            add(
                .change, "create the container \(target.container) at \(target.place), \(readers)",
                .createContainer(target.wantsPublicAccess ? .blob : .nobody))
        case .unsupported:
            add(
                .problem,
                "the server does not say whether the container \(target.container) exists: is \(target.place) Azure Blob Storage?")
            return
        case .unknown(let reason):
            add(.problem, "the container \(target.container) cannot be inspected: \(reason)")
            return
        }
        add(
            .note,
            "lifecycle: rules cannot be set here; to delete forgotten objects, run `az storage account management-policy create "
                + "--account-name \(target.account) --resource-group GROUP --policy '\(target.lifecyclePolicy)'`, which replaces the "
                + "account's other rules, or add the rule to them; blocks that are not committed expire after a week")
    }

    private mutating func planAccess(_ target: AzurePoolTarget, _ state: AzureContainerState) {
        if target.reading.isElsewhere { return addReadElsewhere() }
        let isPublic = state.access != .nobody
        switch (target.reading.access, isPublic) {
        case (.public, true): add(.ok, "public access (\(state.access.rawValue)): everybody may read the objects")
        case (.presigned, false): add(.ok, "public access (none): nobody may read without a signature")
        // It applies to the whole container, including anything else in it.
        case (.public, false) where !target.keyPrefix.isEmpty:
            add(
                .problem,
                "public access (none): it would be for everything in the container, and the pool has a keyPrefix; run `az storage "
                    + "container set-permission --account-name \(target.account) --name \(target.container) --public-access blob` if that "
                    + "is intended, give the pool a container of its own, or choose `access: presigned`")
        case (.presigned, true) where !target.keyPrefix.isEmpty:
            add(.note, "public access (\(state.access.rawValue)): everybody may read everything in the container; this is not changed")
        case (.public, false): add(.change, "public access becomes blob: everybody may read the objects", .setAccess(.blob))
        case (.presigned, true): add(.change, "public access becomes none: nobody may read without a signature", .setAccess(.nobody))
        }
    }
}
