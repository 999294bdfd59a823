import MirrorCore
import NIOHTTP1

/// The digests of a whole artifact that an origin states in its answer's fields.
enum StatedDigests {
    /// - Parameter isWhole: Whether the answer's body is the whole artifact: `Content-MD5` and `x-amz-checksum-*` are about the body.
    static func read(_ headers: HTTPHeaders, isWhole: Bool) -> [Digest] {
        var digests =
            headers["Repr-Digest"].flatMap(Digest.list(reprDigest:)) + legacy(headers[canonicalForm: "Digest"].map(String.init))
        // Google states the hashes of what is stored. If it decompresses the content on the way out, they are not those of what arrives.
        // https://cloud.google.com/storage/docs/transcoding
        let isTranscoded =
            headers.first(name: "x-goog-stored-content-encoding").map { $0 != "identity" } == true
            && !headers.contains(name: "Content-Encoding")
        if !isTranscoded {
            digests += headers[canonicalForm: "x-goog-hash"].compactMap { pair in
                let parts = pair.split(separator: "=", maxSplits: 1)
                guard parts.count == 2 else { return nil }
                switch parts[0] {
                case "crc32c": return Digest(.crc32c, base64: String(parts[1]))
                case "md5": return Digest(.md5, base64: String(parts[1]))
                default: return nil
                }
            }
        }
        if isWhole {
            digests += [
                headers.first(name: "Content-MD5").flatMap { Digest(.md5, base64: $0) },
                // A checksum of checksums, from a multipart upload, ends in "-<parts>". That is not base64, so it is ignored here.
                headers.first(name: "x-amz-checksum-sha256").flatMap { Digest(.sha256, base64: $0) },
                headers.first(name: "x-amz-checksum-sha1").flatMap { Digest(.sha1, base64: $0) },
                headers.first(name: "x-amz-checksum-crc32c").flatMap { Digest(.crc32c, base64: $0) },
                headers.first(name: "x-amz-checksum-crc64nvme").flatMap { Digest(.crc64nvme, base64: $0) },
            ].compactMap { $0 }
        }
        return digests
    }

    /// `Digest: SHA-256=BASE64` (RFC 3230, obsolete and still sent). `MD5` and `SHA` have base64 values too.
    private static func legacy(_ members: [String]) -> [Digest] {
        members.compactMap { member in
            guard let equals = member.firstIndex(of: "="), let algorithm = Digest.Algorithm(rawValue: member[..<equals].lowercased()) else {
                return nil
            }
            return Digest(algorithm, base64: String(member[member.index(after: equals)...]))
        }
    }
}
