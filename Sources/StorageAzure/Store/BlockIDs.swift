import MirrorCore

/// The names of the blocks of one upload.
///
/// All uncommitted blocks of a blob share one namespace, whoever wrote them, and their names must have the same length. So each name combines a
/// number that no other upload has with one that no other block of the same upload has: a block that is written again gets a new name, and one that a
/// slow request still delivers is never committed.
struct BlockIDs: Sendable {
    private let upload: [UInt8]

    /// The bytes for the upload, the part and the attempt. The service accepts 64 in all.
    private static let uploadSize = 16

    init() {
        upload = RandomBytes.make(Self.uploadSize)
    }

    /// In base64.
    func id(part: Int, attempt: Int) -> String { Base64.encode(upload + Self.bytes(part) + Self.bytes(attempt)) }

    private static func bytes(_ number: Int) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) }
    }
}
