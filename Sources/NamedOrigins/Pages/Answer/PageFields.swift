import HTTPTypes
import MirrorCore
import MirrorNet
import NIOHTTP1

/// The fields of an origin's answer that a page keeps. All others are dropped: `Set-Cookie`, fields about the connection, and fields that would make
/// clients bypass the mirror.
enum PageFields {
    private static let names: Set<String> = [
        "content-type", "content-disposition", "content-language", "docker-content-digest", "docker-distribution-api-version",
        "x-repo-commit",
        "x-pypi-last-serial", "x-error-code", "x-error-message", "accept-ranges", "link",
    ]
    private static let prefixes = ["x-linked-", "x-checksum-"]
    /// Bytes of all fields together.
    private static let maxSize = 16 << 10

    /// - Parameter response: A redirect's field takes precedence over that of the final answer, because it describes what was requested. Fields that
    ///   describe the body are taken only from the final answer.
    static func kept(of response: OutboundResponse) -> [PageRecord.Field] { kept(response.redirects, response.headers) }

    /// What only redirects say about the requested resource.
    static func kept(ofRedirects redirects: [HTTPHeaders]) -> [PageRecord.Field] { kept(redirects, [:]) }

    private static func kept(_ redirects: [HTTPHeaders], _ answer: HTTPHeaders) -> [PageRecord.Field] {
        var fields: [PageRecord.Field] = []
        var size = 0
        func take(_ headers: HTTPHeaders, where isWanted: (String) -> Bool) {
            for (name, value) in headers {
                let name = name.lowercased()
                guard isWanted(name), name == "link" || !fields.contains(where: { $0.name == name }) else { continue }
                size += name.utf8.count + value.utf8.count
                guard size <= maxSize, HTTPField.isValidValue(value) else { continue }
                fields.append(.init(name: name, value: value))
            }
        }
        for headers in redirects {
            take(headers) { $0.hasPrefix("x-") && isKept($0) }
        }
        take(answer, where: isKept)
        return fields
    }

    private static func isKept(_ name: String) -> Bool { names.contains(name) || prefixes.contains { name.hasPrefix($0) } }

    /// How long the origin says that an answer is fresh (RFC 9111 §5.2.2), in seconds; 0 for one that must be revalidated each time.
    ///
    /// - Returns: `nil` if it says nothing.
    static func maxAge(_ headers: HTTPHeaders) -> Int64? {
        let directives = directives(headers["cache-control"])
        if directives.contains("no-cache") || directives.contains("no-store") || directives.contains("private") { return 0 }
        for name in ["s-maxage=", "max-age="] {
            if let value = directives.first(where: { $0.hasPrefix(name) }) {
                return Int64(digits: value.dropFirst(name.utf8.count).filter { $0 != "\"" }) ?? 0
            }
        }
        return nil
    }

    static func directives(_ values: [String]) -> [String] {
        values.joined(separator: ",").split(separator: ",").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
    }
}

extension PageRequest {
    /// Whether a request's `Cache-Control` asks for an answer that the origin has confirmed.
    package static func wantsRevalidation(cacheControl: [String]) -> Bool {
        let directives = PageFields.directives(cacheControl)
        return directives.contains("no-cache") || directives.contains("max-age=0") || directives.contains("no-store")
    }
}
