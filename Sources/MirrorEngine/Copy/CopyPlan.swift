import MirrorCore
import MirrorStorage

/// How the bytes of one copy travel.
enum CopyPlan: Equatable {
    /// One answer, read to its end.
    case stream
    /// Parts asked for one by one, several at the same time; the first is already on its way.
    case ranges(PartLayout)

    /// - Parameter first: The answer to a request for the first part.
    /// - Returns: `nil` when that answer is of no use: a part of an artifact that cannot be told from its next version.
    static func choose(first: OriginResponse, partSize: Int64) -> CopyPlan? {
        guard let range = first.range, let total = first.totalSize, range.length < total else { return .stream }
        guard first.strongETag != nil, range.offset == 0, range.length == partSize else { return nil }
        return .ranges(PartLayout(size: total, partSize: partSize))
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

/// How an artifact is cut into parts; never a list of them, because an origin may state any size.
struct PartLayout: Equatable {
    /// Bytes; above 0.
    let size: Int64
    /// Bytes of every part but the last; above 0.
    let partSize: Int64

    var count: Int { Int((size - 1) / partSize + 1) }

    /// - Returns: `nil` for a number that is no part's.
    subscript(number: Int) -> ByteRange? {
        guard number >= 0, number < count else { return nil }
        let offset = Int64(number) * partSize
        return ByteRange(offset: offset, length: min(partSize, size - offset))
    }
}
