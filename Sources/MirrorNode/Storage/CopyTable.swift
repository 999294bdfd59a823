import MirrorEngine
import MirrorStorage

/// How artifacts are copied from each kind of origin to each kind of pool, for the documentation.
package enum CopyTable {
    /// An artifact at an origin.
    private struct Row {
        let name: String
        let size: Int64
        var acceptsRanges = true
        /// The service of the origin's bucket; `nil` for plain HTTP.
        var service: String?
    }

    /// Bytes of an artifact that is a single part in every service.
    private static let small: Int64 = 1 << 20
    /// Bytes of an artifact with several parts.
    private static let large: Int64 = 1 << 30

    /// The table of docs/storage-backends.md.
    package static func markdown(_ services: StorageServices) throws -> String {
        var rows = [
            Row(name: "HTTP, one part", size: small), Row(name: "HTTP, several parts", size: large),
            Row(name: "HTTP without ranges or without a strong ETag", size: large, acceptsRanges: false),
        ]
        for service in services.originKeys {
            rows.append(Row(name: "a bucket of `origins.\(service)`, one part", size: small, service: service))
            rows.append(Row(name: "a bucket of `origins.\(service)`, several parts", size: large, service: service))
        }
        let columns = try services.all.flatMap { try Self.columns(of: $0, rows) }
        var lines = [line("origin", columns.map(\.name)), "|---|" + columns.map { _ in "---|" }.joined()]
        for (number, row) in rows.enumerated() { lines.append(line(row.name, columns.map { $0.cells[number] })) }
        return lines.joined(separator: "\n") + "\n"
    }

    /// One column for a service, unless its variants differ.
    private static func columns(
        of service: any StorageService.Type, _ rows: [Row]
    ) throws -> [(name: String, cells: [String])] {
        let variants = try service.capabilities.map { variant, capabilities in
            (variant: variant, cells: try rows.map { try cell($0, service.name, capabilities) })
        }
        let name = "`\(service.name)`"
        guard let first = variants.first, variants.contains(where: { $0.cells != first.cells }) else {
            return variants.prefix(1).map { (name, $0.cells) }
        }
        return variants.map { ("\(name)\($0.variant.map { ", \($0)" } ?? "")", $0.cells) }
    }

    private static func cell(_ row: Row, _ service: String, _ capabilities: StoreCapabilities) throws -> String {
        let artifact = CopyRoute.Artifact(size: row.size, acceptsRanges: row.acceptsRanges, isInService: row.service == service)
        switch try CopyRoute(of: artifact, into: capabilities) {
        case .copiedByService: return "copied by the service, 0 bytes"
        case .fetchedByService: return "fetched by the service, 0 bytes"
        case .ranges: return "in ranges, all bytes"
        case .stream: return "as one stream, all bytes"
        }
    }

    private static func line(_ first: String, _ cells: [String]) -> String { "| \(first) | \(cells.joined(separator: " | ")) |" }
}
