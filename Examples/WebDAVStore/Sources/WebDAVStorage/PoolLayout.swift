import Foundation
import MirrorCore

/// Where things are below the pool's collection. Paths are percent-encoded; those of collections end in a slash.
enum PoolLayout {
    /// Of things that are not there yet. What a crash leaves here belongs to nobody.
    static let uploads = "uploads/"
    /// Of sidecars: an object is there if its sidecar is.
    static let sidecars = "meta/"
    private static let objects = "objects/"
    private static let sidecarEnding = ".json"

    /// A name that nobody else has.
    static func temporary() -> String { uploads + UUID().uuidString.lowercased() }

    /// The artifact's bytes, which clients read: `objects/<2 digits>/<64 digits>/<name>`.
    static func data(of key: ObjectKey) -> String { "\(objects)\(prefix(of: key))/\(key.percentEncoded)" }

    static func collection(ofData key: ObjectKey) -> String { "\(objects)\(prefix(of: key))/\(key.hash)/" }

    /// `meta/<2 digits>/<64 digits>.json`. The name is inside: one hash has one name, as both are made from one URL.
    static func sidecar(of key: ObjectKey) -> String { sidecar(hash: key.hash) }

    static func sidecar(hash: some StringProtocol) -> String { "\(collection(ofSidecars: hash.prefix(2)))\(hash)\(sidecarEnding)" }

    static func collection(ofSidecars prefix: some StringProtocol) -> String { "\(sidecars)\(prefix)/" }

    static func prefix(of key: ObjectKey) -> Substring { key.hash.prefix(2) }

    /// Whether a collection's name is the first two digits of hashes.
    static func isPrefix(_ name: String) -> Bool { name.utf8.count == 2 && isHexadecimal(name.utf8) }

    /// The hash of a sidecar's name; `nil` for anything else that is in the collection.
    static func hash(ofSidecar name: String) -> String? {
        guard name.hasSuffix(sidecarEnding) else { return nil }
        let hash = name.dropLast(sidecarEnding.count)
        return hash.utf8.count == 64 && isHexadecimal(hash.utf8) ? String(hash) : nil
    }

    private static func isHexadecimal(_ text: some Sequence<UInt8>) -> Bool {
        text.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0) }
    }
}
