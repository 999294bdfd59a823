import MirrorSettings
import MirrorStorage

/// What the services declare about themselves, for the documentation.
package enum CapabilityTable {
    /// The table of docs/storage-backends.md: what each kind of storage can do.
    package static func markdown(_ services: StorageServices) -> String {
        let stores = services.all.flatMap { $0.columns } + [("in memory (tests)", MemoryStore().capabilities)]
        var rows = [row("", stores.map(\.name)), "|---|" + stores.map { _ in "---|" }.joined()]
        for (feature, name, meaning) in StoreCapabilities.Features.all {
            rows.append(row("\(meaning) (`\(name)`)", stores.map { $0.capabilities.features.contains(feature) ? "yes" : "no" }))
        }
        rows.append(row("largest object", stores.map { size($0.capabilities.maxObjectSize) }))
        rows.append(row("smallest part, except the last", stores.map { size($0.capabilities.minPartSize) }))
        rows.append(row("largest part", stores.map { size($0.capabilities.maxPartSize) }))
        rows.append(row("parts", stores.map { $0.capabilities.maxParts == .max ? "any number" : "\($0.capabilities.maxParts)" }))
        return rows.joined(separator: "\n") + "\n"
    }

    /// The access policies in docs/operations.md.
    package static func permissions(_ services: StorageServices) -> String {
        services.all.compactMap { $0.permissions }.joined(separator: "\n")
    }

    private static func row(_ first: String, _ cells: [String]) -> String { "| \(first) | \(cells.joined(separator: " | ")) |" }

    private static func size(_ bytes: Int64) -> String { bytes == .max ? "any" : ByteSizeFormat.text(bytes) }
}

extension StorageService {
    fileprivate static var columns: [(name: String, capabilities: StoreCapabilities)] {
        capabilities.map { ("`\(name)`\($0.variant.map { ", \($0)" } ?? "")", $0.capabilities) }
    }
}
