import MirrorStorage
import StorageCloud

extension MetadataFields {
    /// Azure Storage REST API, "Setting and retrieving properties and metadata for Blob resources": names are C# identifiers, and names and
    /// values together have 8 KB.
    static let azure = MetadataFields(prefix: "x-ms-meta-", maxSize: 7_500, separator: "_", contentPrefix: "x-ms-blob-")

    /// The metadata as the service will return it.
    ///
    /// An origin's header fields become part of a request's signature: with single spaces, because HTTP allows folding.
    func keptByAzure(_ metadata: ObjectMetadata) -> ObjectMetadata {
        var metadata = Self.inASCII(metadata)
        metadata.contentType = metadata.contentType.flatMap(Self.folded)
        metadata.contentEncoding = metadata.contentEncoding.flatMap(Self.folded)
        metadata.contentDisposition = metadata.contentDisposition.flatMap(Self.folded)
        return kept(metadata)
    }

    /// Between quotes everything stays as it is.
    private static func folded(_ value: String) -> String? {
        guard value.utf8.allSatisfy({ (0x20...0x7E).contains($0) || $0 == 0x09 }) else { return nil }
        var out = ""
        var isQuoted = false
        for character in value {
            if character == "\"" { isQuoted.toggle() }
            let isBlank = character == " " || character == "\t"
            if isBlank, !isQuoted, out.isEmpty || out.hasSuffix(" ") { continue }
            out.append(isBlank ? " " : character)
        }
        while out.hasSuffix(" ") { out.removeLast() }
        return out.isEmpty ? nil : out
    }
}
