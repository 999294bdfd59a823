import MirrorCore
import MirrorStorage
import NIOHTTP1

/// How ``ObjectMetadata`` travels in header fields.
///
/// A value of printable ASCII stands as it is; any other in the form of RFC 8187: `UTF-8''` and percent-encoding. All of them together stay
/// below the service's 2 KB.
enum S3Metadata {
    static let prefix = "x-amz-meta-"
    /// Given to objects whose origin stated no type: every object of the service has one, and this one says nothing (RFC 9110 §8.3).
    static let defaultType = "application/octet-stream"
    /// Bytes of names and values together; the service takes 2,048.
    static let maxSize = 2_000
    private static let maxETagSize = 256
    /// Bytes of a value that every server takes: OpenStack Swift takes no more.
    static let shortValue = 256
    private static let marker = "UTF-8''"

    /// The metadata as the service will give them back.
    ///
    /// The upstream URL is kept without its query, which may hold a signature, and not at all if it is too long; the first of the addresses that have
    /// room, a long upstream ETag not.
    static func kept(_ metadata: ObjectMetadata) -> ObjectMetadata {
        var kept = metadata
        kept.contentType = metadata.contentType ?? defaultType
        kept.upstreamURL = String(metadata.upstreamURL.prefix { $0 != "?" })
        if let etag = metadata.upstreamETag, encode(etag).utf8.count > maxETagSize { kept.upstreamETag = nil }
        kept.addresses = []
        // Room for a digest that is known only at the end.
        var budget = maxSize - size(ObjectMetadata.Name.sha256, String(repeating: "0", count: 64))
        for (name, value) in fields(of: kept) where name != ObjectMetadata.Name.sha256 && name != ObjectMetadata.Name.upstreamURL {
            budget -= size(name, value)
        }
        let urlSize = size(ObjectMetadata.Name.upstreamURL, encode(kept.upstreamURL))
        if urlSize > budget {
            kept.upstreamURL = ""
        } else {
            budget -= urlSize
        }
        for address in metadata.addresses {
            let longer = kept.addresses + [address]
            guard size(ObjectMetadata.Name.addresses, encode(joined(longer))) <= budget else { break }
            kept.addresses = longer
        }
        return kept
    }

    /// The same without the values that are longer than some servers take.
    static func shortened(_ metadata: ObjectMetadata) -> ObjectMetadata {
        var short = metadata
        if encode(metadata.upstreamURL).utf8.count > shortValue { short.upstreamURL = "" }
        while encode(joined(short.addresses)).utf8.count > shortValue { short.addresses.removeLast() }
        return short
    }

    /// - Parameter metadata: What ``kept(_:)`` returned.
    static func headers(_ metadata: ObjectMetadata) -> [(name: String, value: String)] {
        var headers: [(name: String, value: String)] = [("content-type", metadata.contentType ?? defaultType)]
        if let encoding = metadata.contentEncoding { headers.append(("content-encoding", encoding)) }
        if let disposition = metadata.contentDisposition { headers.append(("content-disposition", disposition)) }
        return headers + fields(of: metadata).map { (name: prefix + $0.name, value: $0.value) }
    }

    /// - Parameter lastModified: When the object was stored, where it does not say so itself.
    static func read(_ headers: HTTPHeaders, lastModified: Timestamp) -> ObjectMetadata {
        func field(_ name: String) -> String? { headers.first(name: prefix + name).flatMap(decode) }
        return ObjectMetadata(
            contentType: headers.first(name: "content-type"), contentEncoding: contentEncoding(headers),
            contentDisposition: headers.first(name: "content-disposition"), upstreamURL: field(ObjectMetadata.Name.upstreamURL) ?? "",
            upstreamETag: field(ObjectMetadata.Name.upstreamETag),
            upstreamContentLength: field(ObjectMetadata.Name.upstreamContentLength).flatMap { Int64($0) },
            upstreamLastModified: field(ObjectMetadata.Name.upstreamLastModified).flatMap(Timestamp.init(rfc3339:)),
            stored: field(ObjectMetadata.Name.stored).flatMap(Timestamp.init(rfc3339:)) ?? lastModified,
            addresses: field(ObjectMetadata.Name.addresses).map { $0.split(separator: " ").map(String.init) } ?? [],
            sha256: field(ObjectMetadata.Name.sha256).flatMap { Digest(.sha256, hex: $0) })
    }

    /// Without `aws-chunked`, which some services keep although it was never the object's.
    private static func contentEncoding(_ headers: HTTPHeaders) -> String? {
        guard let value = headers.first(name: "content-encoding") else { return nil }
        guard value.contains("aws-chunked") else { return value.isEmpty ? nil : value }
        let codings = value.split(separator: ",").map { $0.drop { $0 == " " } }.filter { $0 != "aws-chunked" }
        return codings.isEmpty ? nil : codings.joined(separator: ", ")
    }

    private static func fields(of metadata: ObjectMetadata) -> [(name: String, value: String)] {
        typealias Name = ObjectMetadata.Name
        var fields: [(name: String, value: String)] = [(Name.stored, metadata.stored.iso8601)]
        if !metadata.upstreamURL.isEmpty { fields.append((Name.upstreamURL, encode(metadata.upstreamURL))) }
        if let etag = metadata.upstreamETag { fields.append((Name.upstreamETag, encode(etag))) }
        if let length = metadata.upstreamContentLength { fields.append((Name.upstreamContentLength, "\(length)")) }
        if let modified = metadata.upstreamLastModified { fields.append((Name.upstreamLastModified, modified.iso8601)) }
        if let sha256 = metadata.sha256 { fields.append((Name.sha256, sha256.hex)) }
        if !metadata.addresses.isEmpty { fields.append((Name.addresses, encode(joined(metadata.addresses)))) }
        return fields
    }

    /// Separated by spaces, of which URLs have none.
    private static func joined(_ addresses: [String]) -> String {
        addresses.map { PercentCoding.encode($0) { $0 != UInt8(ascii: " ") } }.joined(separator: " ")
    }

    private static func size(_ name: String, _ value: String) -> Int { prefix.utf8.count + name.utf8.count + value.utf8.count }

    static func encode(_ value: String) -> String {
        let isPlain =
            value.utf8.allSatisfy { (0x20...0x7E).contains($0) } && value.utf8.first != 0x20 && value.utf8.last != 0x20
            && !value.contains("  ") && !value.hasPrefix(marker)
        return isPlain ? value : marker + PercentCoding.encode(value)
    }

    static func decode(_ value: String) -> String? {
        guard value.hasPrefix(marker) else { return value }
        return PercentCoding.decode(value.dropFirst(marker.count))
    }
}
