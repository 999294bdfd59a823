import MirrorCore

/// Lists in a few bytes, as this program comes with them.
///
/// A line `cloud-regions 1`; for each cloud a line with its name, its date, how many prefixes it published, and its regions; an empty line; then the
/// ranges of each cloud as numbers (``RangeTable/write(to:)``), IPv4 before IPv6. `cloud-mirror generate-cloud-regions` writes it.
package enum RegionSnapshot {
    private static let title = "cloud-regions 1"

    /// Those that this program comes with; docs/decisions/0031 says where they are from.
    static let bundled = (try? read(EmbeddedFile.cloudRegions.bytes)) ?? []

    package static func write(_ lists: [RegionList]) -> [UInt8] {
        var text = "\(title)\n"
        for list in lists {
            let words = [list.cloud.rawValue, list.date.iso8601, "\(list.prefixes)"] + list.regions.map(\.name)
            text += "\(words.joined(separator: " "))\n"
        }
        var bytes = Array("\(text)\n".utf8)
        for list in lists {
            list.ipv4.write(to: &bytes)
            list.ipv6.write(to: &bytes)
        }
        return bytes
    }

    /// - Throws: ``RegionListError`` for anything that ``write(_:)`` has not written.
    package static func read(_ bytes: [UInt8]) throws(RegionListError) -> [RegionList] {
        var rest = bytes[...]
        guard line(&rest) == title else { throw RegionListError("is not a snapshot of this version") }
        var heads: [(cloud: Cloud, date: Timestamp, prefixes: Int, regions: [CloudRegion])] = []
        while true {
            guard let text = line(&rest) else { throw RegionListError("ends early") }
            if text.isEmpty { break }
            let words = text.split(separator: " ").map { String($0) }
            guard words.count > 3, words.count <= RegionList.maxRegions + 3, let cloud = Cloud(rawValue: words[0]),
                let date = Timestamp(rfc3339: words[1]), let prefixes = Int(words[2]), (1...RegionList.maxPrefixes).contains(prefixes),
                !heads.contains(where: { $0.cloud == cloud })
            else { throw RegionListError("has a line that cannot be read") }
            let regions = words[3...].compactMap { CloudRegion(cloud, $0) }
            guard regions.count == words.count - 3 else { throw RegionListError("has an invalid region") }
            heads.append((cloud, date, prefixes, regions))
        }
        var lists: [RegionList] = []
        for head in heads {
            lists.append(
                RegionList(
                    cloud: head.cloud, date: head.date, prefixes: head.prefixes, regions: head.regions,
                    ipv4: try RangeTable(reading: &rest, maxNumber: head.regions.count),
                    ipv6: try RangeTable(reading: &rest, maxNumber: head.regions.count)))
        }
        guard rest.isEmpty else { throw RegionListError("has data after its end") }
        return lists
    }

    private static func line(_ rest: inout ArraySlice<UInt8>) -> String? {
        guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        defer { rest = rest[(end + 1)...] }
        return String(validating: rest[..<end], as: UTF8.self)
    }
}
