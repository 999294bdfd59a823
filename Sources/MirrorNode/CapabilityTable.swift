import MirrorStorage
import StorageLocal
import StorageS3

/// The table of docs/storage-backends.md: what each kind of storage can do, as the code says it.
package enum CapabilityTable {
    private static let stores: [(name: String, capabilities: StoreCapabilities)] = [
        ("`local`", LocalStore.capabilities), ("`s3`, public", S3Store.capabilities(.public)),
        ("`s3`, presigned", S3Store.capabilities(.presigned)), ("in memory (tests)", MemoryStore().capabilities),
    ]

    package static func markdown() -> String {
        var rows = [row("", stores.map(\.name)), "|---|" + stores.map { _ in "---|" }.joined()]
        for (feature, name, meaning) in StoreCapabilities.Features.all {
            rows.append(row("\(meaning) (`\(name)`)", stores.map { $0.capabilities.features.contains(feature) ? "yes" : "no" }))
        }
        rows.append(row("largest object", stores.map { size($0.capabilities.maxObjectSize) }))
        rows.append(row("smallest part, but the last", stores.map { size($0.capabilities.minPartSize) }))
        rows.append(row("largest part", stores.map { size($0.capabilities.maxPartSize) }))
        rows.append(row("parts", stores.map { $0.capabilities.maxParts == .max ? "any number" : "\($0.capabilities.maxParts)" }))
        return rows.joined(separator: "\n") + "\n"
    }

    /// The policies of docs/operations.md.
    package static func policies() -> String { S3Permissions.markdown() }

    private static func row(_ first: String, _ cells: [String]) -> String { "| \(first) | \(cells.joined(separator: " | ")) |" }

    private static func size(_ bytes: Int64) -> String { bytes == .max ? "any" : ByteSize.text(bytes) }
}
