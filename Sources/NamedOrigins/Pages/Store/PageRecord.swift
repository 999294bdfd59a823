import MirrorCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What is known about a page, besides its body.
struct PageRecord: Codable, Sendable, Equatable {
    struct Field: Codable, Sendable, Equatable {
        let name: String
        let value: String
    }

    /// The request to the origin for it.
    let url: String
    let variant: String
    /// The URL that answered, after redirects.
    let finalURL: String
    /// See ``PageFields``.
    let fields: [Field]
    /// With its quotes, and `W/` if it is weak.
    let etag: String?
    let lastModified: String?
    /// How long the origin says that it is fresh, in seconds; `nil` if it says nothing.
    let maxAge: Int64?
    /// The size of the body in bytes.
    let length: Int64
    /// The SHA-256 of the body, in hexadecimal digits.
    let sha256: String
    /// When it was fetched, in milliseconds.
    let fetched: Int64

    static func read(_ bytes: [UInt8]) -> PageRecord? { try? ForeignJSON.decode(from: bytes) }

    var bytes: [UInt8] {
        get throws { Array(try JSONEncoder().encode(self)) }
    }

    func value(_ name: String) -> String? { fields.first { $0.name == name }?.value }

    /// The media type of the body.
    var contentType: String? { value("content-type") }
}

/// The end of a page's file: body, record, and this.
///
/// A file is written under another name and renamed, but not synced: after the machine has crashed it may be shorter or have other bytes. So the record is
/// checked whenever it is read, and the body when the process opens it for the first time.
struct PageFooter: Equatable {
    static let size = 40
    private static let magic = Array("CMPAGE01".utf8)

    /// When the origin confirmed the page, in milliseconds. It is overwritten in place, and counts as unknown if its check fails.
    let validated: Int64?
    let recordSize: Int
    let recordCheck: [UInt8]

    /// - Returns: `nil` if it is not a footer.
    init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.size, Array(bytes[32...]) == Self.magic else { return nil }
        recordSize = Int(Self.integer(bytes[16..<20]))
        recordCheck = Array(bytes[20..<24])
        validated = Self.check(bytes[0..<8]) == Array(bytes[8..<12]) ? Int64(bitPattern: Self.integer(bytes[0..<8])) : nil
    }

    static func bytes(validated: Int64, record: [UInt8]) -> [UInt8] {
        stamp(validated) + integer(UInt64(record.count), size: 4) + check(record) + [UInt8](repeating: 0, count: 8) + magic
    }

    /// The part that is overwritten when the origin confirms the page: the first 16 bytes.
    static func stamp(_ validated: Int64) -> [UInt8] {
        let time = integer(UInt64(bitPattern: validated), size: 8)
        return time + check(time) + [0, 0, 0, 0]
    }

    static func check(_ bytes: some Collection<UInt8>) -> [UInt8] {
        var check = CRC32C()
        Array(bytes).withUnsafeBytes { check.update($0) }
        return check.bytes
    }

    private static func integer(_ bytes: some Collection<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }

    private static func integer(_ value: UInt64, size: Int) -> [UInt8] {
        (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64(size - 1 - $0))) }
    }
}
