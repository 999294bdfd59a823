package import MirrorCore
package import MirrorStorage
package import NIOHTTP1

/// Encodes ``ObjectMetadata`` as header fields.
///
/// A value in printable ASCII is kept as it is; any other is encoded as in RFC 8187: `UTF-8''` and percent-encoding. Together, all fields stay
/// within the service's limit.
package struct MetadataFields: Sendable {
    /// The prefix of the names of the service's custom metadata.
    package let prefix: String
    /// Bytes of names and values together.
    private let maxSize: Int
    /// Replaces the hyphen between the words of a name if the service does not allow it.
    private let separator: String
    /// The prefix of the object's own fields when it is written; they are read without it.
    private let contentPrefix: String
    /// A content coding that the service may add, and that never belongs to the object itself.
    private let addedCoding: String?

    /// The type of objects whose origin stated none: services require one, and this one says nothing (RFC 9110 §8.3).
    private static let defaultType = "application/octet-stream"
    private static let maxETagSize = 256
    private static let maxFieldsSize = 600
    private static let marker = "UTF-8''"

    package init(prefix: String, maxSize: Int, separator: String = "-", contentPrefix: String = "", addedCoding: String? = nil) {
        self.prefix = prefix
        self.maxSize = maxSize
        self.separator = separator
        self.contentPrefix = contentPrefix
        self.addedCoding = addedCoding
    }

    /// The metadata as the service will return it.
    ///
    /// The upstream URL is kept without its query, which may contain a signature, and dropped if it is too long. The first addresses are kept as far
    /// as they fit. A long upstream ETag is dropped, and so are other fields of the origin together. The object's own fields are kept in ASCII.
    package func kept(_ metadata: ObjectMetadata) -> ObjectMetadata {
        var kept = Self.inASCII(metadata)
        kept.contentType = kept.contentType ?? Self.defaultType
        kept.upstreamURL = String(metadata.upstreamURL.prefix { $0 != "?" })
        if let etag = metadata.upstreamETag, Self.encode(etag).utf8.count > Self.maxETagSize { kept.upstreamETag = nil }
        if metadata.originFields.text.utf8.count > Self.maxFieldsSize { kept.originFields = OriginFields() }
        kept.addresses = []
        // Reserve room for the digest, which is known only at the end.
        var budget = maxSize - size(ObjectMetadata.Name.sha256, String(repeating: "0", count: 64))
        for (name, value) in Self.fields(of: kept) where name != ObjectMetadata.Name.sha256 && name != ObjectMetadata.Name.upstreamURL {
            budget -= size(name, value)
        }
        let urlSize = size(ObjectMetadata.Name.upstreamURL, Self.encode(kept.upstreamURL))
        if urlSize > budget {
            kept.upstreamURL = ""
        } else {
            budget -= urlSize
        }
        for address in metadata.addresses {
            let longer = kept.addresses + [address]
            guard size(ObjectMetadata.Name.addresses, Self.encode(Self.joined(longer))) <= budget else { break }
            kept.addresses = longer
        }
        return kept
    }

    /// The same metadata with fields in ASCII: the name of a file in another form, a type without its parameters.
    ///
    /// Origins send such names in UTF-8, and clients understand them. But these fields are signed, and services read other bytes in them as they
    /// like, Amazon as Latin-1.
    package static func inASCII(_ metadata: ObjectMetadata) -> ObjectMetadata {
        var plain = metadata
        plain.contentDisposition = metadata.contentDisposition.flatMap(ContentDisposition.ascii)
        if let type = metadata.contentType, !type.utf8.allSatisfy({ $0 < 0x80 }) {
            let bare = type.utf8.prefix { $0 != UInt8(ascii: ";") }
            plain.contentType = !bare.isEmpty && bare.allSatisfy { $0 < 0x80 } ? String(Substring(bare)) : nil
        }
        return plain
    }

    /// The same metadata without values that are too long for some servers.
    ///
    /// - Parameter limit: Bytes of a value.
    package func shortened(_ metadata: ObjectMetadata, to limit: Int) -> ObjectMetadata {
        var short = metadata
        if Self.encode(metadata.upstreamURL).utf8.count > limit { short.upstreamURL = "" }
        if metadata.originFields.text.utf8.count > limit { short.originFields = OriginFields() }
        while Self.encode(Self.joined(short.addresses)).utf8.count > limit { short.addresses.removeLast() }
        return short
    }

    /// - Parameter metadata: Returned by ``kept(_:)``.
    package func headers(_ metadata: ObjectMetadata) -> [(name: String, value: String)] {
        var headers: [(name: String, value: String)] = [("\(contentPrefix)content-type", metadata.contentType ?? Self.defaultType)]
        if let encoding = metadata.contentEncoding { headers.append(("\(contentPrefix)content-encoding", encoding)) }
        if let disposition = metadata.contentDisposition { headers.append(("\(contentPrefix)content-disposition", disposition)) }
        return headers + Self.fields(of: metadata).map { (name: fieldName($0.name), value: $0.value) }
    }

    /// - Parameter lastModified: When the object was stored, if its metadata does not say.
    package func read(_ headers: HTTPHeaders, lastModified: Timestamp) -> ObjectMetadata {
        func field(_ name: String) -> String? { headers.first(name: fieldName(name)).flatMap(Self.decode) }
        return ObjectMetadata(
            contentType: headers.first(name: "content-type"), contentEncoding: contentEncoding(headers),
            contentDisposition: headers.first(name: "content-disposition"), upstreamURL: field(ObjectMetadata.Name.upstreamURL) ?? "",
            upstreamETag: field(ObjectMetadata.Name.upstreamETag),
            upstreamContentLength: field(ObjectMetadata.Name.upstreamContentLength).flatMap { Int64($0) },
            upstreamLastModified: field(ObjectMetadata.Name.upstreamLastModified).flatMap(Timestamp.init(rfc3339:)),
            stored: field(ObjectMetadata.Name.stored).flatMap(Timestamp.init(rfc3339:)) ?? lastModified,
            addresses: field(ObjectMetadata.Name.addresses).map { $0.split(separator: " ").map(String.init) } ?? [],
            sha256: field(ObjectMetadata.Name.sha256).flatMap { Digest(.sha256, hex: $0) },
            originFields: OriginFields(text: field(ObjectMetadata.Name.originFields) ?? ""))
    }

    /// - Parameter name: One of ``ObjectMetadata/Name``.
    private func fieldName(_ name: String) -> String { prefix + (separator == "-" ? name : name.replacing("-", with: separator)) }

    /// Without the coding that the service may add.
    private func contentEncoding(_ headers: HTTPHeaders) -> String? {
        guard let value = headers.first(name: "content-encoding") else { return nil }
        guard let addedCoding, value.contains(addedCoding) else { return value.isEmpty ? nil : value }
        let codings = value.split(separator: ",").map { $0.drop { $0 == " " } }.filter { $0 != addedCoding }
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
        if !metadata.originFields.isEmpty {
            fields.append((Name.originFields, metadata.originFields.text))
            // Only written: for clients that the bucket itself answers.
            if let sha1 = metadata.originFields[.checksumSHA1], sha1.utf8.count == 40 { fields.append((Name.checksumSHA1, sha1)) }
            if let md5 = metadata.originFields[.checksumMD5], md5.utf8.count == 32 { fields.append((Name.checksumMD5, md5)) }
        }
        if !metadata.addresses.isEmpty { fields.append((Name.addresses, encode(joined(metadata.addresses)))) }
        return fields
    }

    /// Separated by spaces, which URLs do not contain.
    private static func joined(_ addresses: [String]) -> String {
        addresses.map { PercentCoding.encode($0) { $0 != UInt8(ascii: " ") } }.joined(separator: " ")
    }

    private func size(_ name: String, _ value: String) -> Int { prefix.utf8.count + name.utf8.count + value.utf8.count }

    static func encode(_ value: String) -> String { isPlain(value) ? value : marker + PercentCoding.encode(value) }

    /// Whether a value is printable ASCII in which each space is between two other characters. Runs for every value several times.
    private static func isPlain(_ value: String) -> Bool {
        var last: UInt8 = 0x20
        for byte in value.utf8 {
            guard (0x20...0x7E).contains(byte), byte != 0x20 || last != 0x20 else { return false }
            last = byte
        }
        return (value.isEmpty || last != 0x20) && !value.hasPrefix(marker)
    }

    static func decode(_ value: String) -> String? {
        guard value.hasPrefix(marker) else { return value }
        return PercentCoding.decode(value.dropFirst(marker.count))
    }
}
