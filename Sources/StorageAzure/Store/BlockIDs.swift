import MirrorCore

/// The names of the blocks of one upload.
///
/// All blocks of a blob that are not committed yet share one space of names, whoever wrote them, and must have names of one length. So each
/// name is a number that no other upload has, and one that no other block of the same upload has: what is written again gets a new name,
/// and what a slow request still brings is never committed.
struct BlockIDs: Sendable {
    private let upload: [UInt8]

    /// Bytes: of the upload, of the part, of the attempt. The service takes 64 in all.
    private static let uploadSize = 16

    init() {
        upload = (0..<Self.uploadSize).map { _ in UInt8.random(in: .min ... .max) }
    }

    /// In base64.
    func id(part: Int, attempt: Int) -> String { Base64.encode(upload + Self.bytes(part) + Self.bytes(attempt)) }

    private static func bytes(_ number: Int) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) }
    }
}
