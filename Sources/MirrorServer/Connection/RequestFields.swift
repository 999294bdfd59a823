import MirrorEngine
import NIOHTTP1

/// The fields of a request that somebody here reads. All others are dropped as soon as they are read, and those of a redirect request that only
/// other routes read: it may wait for a copy for minutes, and ten thousand may do so.
enum RequestFields {
    private static let always: Set = ["host", "connection", "user-agent", "x-forwarded-for", "forwarded", "x-cloud-mirror-pool"]
    private static let elsewhere: Set = [
        "accept", "authorization", "cache-control", "content-type", "if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since",
        "prefer", "range", "x-cloud-mirror-delivery",
    ]
    /// What requests below `/o/` have besides, with as many bytes: those may wait for a copy, too.
    private static let namedLimits = limits.merging(elsewhere.map { ($0, $0 == "authorization" ? 8_192 : 1_024) }) { first, _ in first }
    /// Bytes of what a redirect request is told apart by, of the first field of each name. Of longer ones what counts is kept: with ``ForwardedFields`` less
    /// than 4 KiB, however many fields there are. No pool has so long a name.
    private static let limits = ["host": 260, "connection": 64, "user-agent": 650, "x-cloud-mirror-pool": 130]

    static func kept(of head: HTTPRequestHead) -> HTTPHeaders {
        guard !head.uri.utf8.starts(with: "/v1/redirect".utf8) else { return little(of: head.headers, limits) }
        guard !head.uri.utf8.starts(with: NamedRoutes.prefix.utf8) else {
            return little(of: head.headers, namedLimits)
        }
        var kept = HTTPHeaders()
        for (name, value) in head.headers {
            let known = name.lowercased()
            if always.contains(known) || elsewhere.contains(known) { kept.add(name: name, value: value) }
        }
        return kept
    }

    private static func little(of headers: HTTPHeaders, _ limits: [String: Int]) -> HTTPHeaders {
        var kept = HTTPHeaders()
        var seen: Set<String> = []
        for (name, value) in headers {
            let known = name.lowercased()
            guard let limit = limits[known], seen.insert(known).inserted else { continue }
            kept.add(name: name, value: value.utf8.count > limit ? String(decoding: value.utf8.prefix(limit), as: UTF8.self) : value)
        }
        for header in ProxyHeader.allCases {
            for value in ForwardedFields.values(of: headers, header) { kept.add(name: "\(header.fieldName)", value: value) }
        }
        return kept
    }
}
