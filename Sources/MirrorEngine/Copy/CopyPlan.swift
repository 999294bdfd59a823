import MirrorCore
import MirrorStorage

/// How the bytes of one copy travel.
enum CopyPlan: Equatable {
    /// One answer, read to its end.
    case stream
    /// Parts asked for one by one, several at the same time; the first is already on its way.
    case ranges([ByteRange])

    /// - Parameter first: The answer to a request for the first part.
    /// - Returns: `nil` when that answer is of no use: a part of an artifact that cannot be told from its next version.
    static func choose(first: OriginResponse, partSize: Int64) -> CopyPlan? {
        guard let range = first.range, let total = first.totalSize, range.length < total else { return .stream }
        guard first.strongETag != nil, range.offset == 0, range.length == partSize else { return nil }
        return .ranges(stride(from: 0, to: total, by: Int64.Stride(partSize)).compactMap {
            ByteRange(offset: $0, length: min(partSize, total - $0))
        })
    }

    /// Whether a store takes parts in any order and lets them be read back, which the digest of the whole needs.
    static func canRange(_ capabilities: StoreCapabilities) -> Bool {
        capabilities.features.isSuperset(of: [.parallelParts, .readsUploads])
    }

    /// The configured part size, within what the store takes.
    static func partSize(configured: Int64, _ capabilities: StoreCapabilities) -> Int64 {
        min(max(configured, capabilities.minPartSize), capabilities.maxPartSize)
    }
}
