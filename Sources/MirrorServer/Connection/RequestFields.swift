import MirrorEngine
import MirrorTracing
import NIOHTTP1

/// The fields of a request that the mirror reads. All others are dropped at once. For a redirect request, so are those that only other routes read:
/// it may wait for a copy for minutes, together with ten thousand others.
enum RequestFields {
    private static let always: Set = ["host", "connection", "user-agent", "x-forwarded-for", "forwarded", "x-cloud-mirror-pool"]
    private static let elsewhere: Set = [
        "accept", "authorization", "cache-control", "content-encoding", "content-type", "if-match", "if-modified-since", "if-none-match",
        "if-range",
        "if-unmodified-since",
        "prefer", "range", "x-cloud-mirror-delivery",
    ]
    private static let ofDashboard: Set = ["cookie", "sec-fetch-site", "origin"]
    /// Bytes of the fields that distinguish redirect requests, of which only the first of each name is kept; longer values are cut off. Together with
    /// ``ForwardedFields`` that is less than 4 KiB, however many fields there are. No pool's name is that long.
    private static let limits = [
        "host": 260, "connection": 64, "user-agent": 650, "x-cloud-mirror-pool": 130, TraceContext.fieldName: 2 * TraceContext.length + 2,
    ]
    /// Requests below `/o/` and `/v2/o/` also keep these fields, up to as many bytes: they may wait for a copy, too.
    private static let namedLimits = limits.merging(elsewhere.map { ($0, ["accept": 2_048, "authorization": 8_192][$0] ?? 512) }) {
        first, _ in
        first
    }
    /// Two values mean that neither counts.
    private static let pairs: Set = [TraceContext.fieldName]
    /// Lists, which clients of registries send in several fields of the same name.
    private static let lists = pairs.union(["accept", "cache-control", "if-match", "if-none-match"])

    static func kept(of head: HTTPRequestHead) -> HTTPHeaders {
        guard !head.uri.utf8.starts(with: "/v1/redirect".utf8) else { return little(of: head.headers, limits, lists: pairs) }
        // A whole URL (RFC 9112 §3.2.2) may lead to any route.
        guard head.uri.utf8.first == UInt8(ascii: "/"),
            ![NamedRoutes.prefix, NamedRoutes.imagePrefix].contains(where: { head.uri.utf8.starts(with: $0.utf8) })
        else { return little(of: head.headers, namedLimits, lists: lists) }
        let isDashboard = head.uri.utf8.starts(with: DashboardRoutes.path.utf8)
        var kept = HTTPHeaders()
        for (name, value) in head.headers {
            let known = name.lowercased()
            if always.contains(known) || elsewhere.contains(known) || (isDashboard && ofDashboard.contains(known)) {
                kept.add(name: name, value: value)
            }
        }
        return kept
    }

    /// - Parameter lists: Names of which more than the first field is kept, within the limit.
    private static func little(of headers: HTTPHeaders, _ limits: [String: Int], lists: Set<String>) -> HTTPHeaders {
        var kept = HTTPHeaders()
        var lengths: [String: Int] = [:]
        for (name, value) in headers {
            let known = name.lowercased()
            guard let limit = limits[known] else { continue }
            if let length = lengths[known] {
                guard lists.contains(known), length + 2 + value.utf8.count <= limit else { continue }
                lengths[known] = length + 2 + value.utf8.count
            } else {
                lengths[known] = min(value.utf8.count, limit)
            }
            kept.add(name: name, value: value.utf8.count > limit ? String(decoding: value.utf8.prefix(limit), as: UTF8.self) : value)
        }
        for header in ProxyHeader.allCases {
            for value in ForwardedFields.values(of: headers, header) { kept.add(name: "\(header.fieldName)", value: value) }
        }
        return kept
    }
}
