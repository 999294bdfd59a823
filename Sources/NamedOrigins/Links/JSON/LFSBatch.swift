import MirrorCore
package import MirrorNet
import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a server of Git LFS answers to a question for many objects at once: where each of them is.
///
/// Only what says where to download from is rewritten, with the object's SHA-256, which is its name. A place that wants header fields stays as it is: the
/// mirror does not have them.
///
/// - SeeAlso: https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md
package enum LFSBatch {
    /// Bytes of an answer. Clients ask for a hundred objects at a time, each of which takes a few hundred bytes.
    static let maxBytes = 8 << 20

    /// Reads an answer, and makes its links lead through the mirror.
    ///
    /// - Parameter prefix: What links begin with.
    /// - Parameter hold: Called with the number of bytes that are about to be held.
    /// - Returns: `nil` for what is too large, has too many values or levels, or is not JSON.
    /// - Throws: `OutboundError`; `CancellationError`; what `hold` throws.
    package static func read(
        _ response: OutboundResponse, prefix: String, map: any LinkMap, _ hold: @Sendable (Int) throws -> Void
    ) async throws -> [UInt8]? {
        guard let body = DecodedBody(response) else { return nil }
        var bytes: [UInt8] = []
        do {
            for try await chunk in body {
                guard bytes.count + chunk.readableBytes <= maxBytes else { return nil }
                try hold(bytes.count + chunk.readableBytes)
                bytes.append(contentsOf: chunk.readableBytesView)
            }
        } catch is GzipError {
            return nil
        }
        return rewrite(bytes, resolver: LinkResolver(page: response.url, prefix: prefix, map: map))
    }

    static func rewrite(_ bytes: [UInt8], resolver: LinkResolver) -> [UInt8]? {
        guard var batch = try? ForeignJSON.decode(JSONValue.self, from: bytes) else { return nil }
        guard case .array(let objects) = batch["objects"] else { return bytes }
        var resolver = resolver
        // Other digests have no mark.
        let isSHA256 = (batch["hash_algo"]?.string ?? "sha256") == "sha256"
        batch["objects"] = .array(
            objects.map { object in
                guard var actions = object["actions"], var download = actions["download"], let href = download["href"]?.string,
                    !needsFields(download)
                else { return object }
                let digest = isSHA256 ? object["oid"]?.string.flatMap { Digest(.sha256, hex: $0) } : nil
                guard Array(href.utf8).withUnsafeBytes({ resolver.resolve($0, digest: digest) }) else { return object }
                download["href"] = .string(String(decoding: resolver.result, as: UTF8.self))
                actions["download"] = download
                var rewritten = object
                rewritten["actions"] = actions
                return rewritten
            })
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(batch)).map { Array($0) }
    }

    private static func needsFields(_ action: JSONValue) -> Bool {
        if case .object(let fields) = action["header"] { return !fields.isEmpty }
        return false
    }
}
