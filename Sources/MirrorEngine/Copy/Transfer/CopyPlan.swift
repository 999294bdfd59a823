import MirrorCore
import MirrorStorage

/// How the bytes of one copy are transferred. ``CopyTransfer`` explains each plan.
enum CopyPlan: Equatable {
    /// One answer, read to its end.
    case stream
    /// One answer, cut into parts.
    case bufferedStream(PartSizes)
    /// Parts, each with its own request, several at the same time; the first is already on its way.
    case ranges(PartLayout)
    /// The same, but each part is in memory before it is written.
    case bufferedRanges(PartLayout)
    /// Parts requested one after the other.
    case rangesInOrder(PartLayout)
}

/// Chooses the plan for a copy by what the store can do, the size of its parts, and the origin's first answer.
struct CopyPlanner {
    /// The maximum size in bytes of a part in memory.
    static let maxBufferedPart: Int64 = 32 << 20

    let capabilities: StoreCapabilities
    /// As configured, in bytes.
    let partSize: Int64
    /// Bytes of memory for the parts of all copies.
    let memory: Int64

    /// Whether a request for a range is worth making.
    var canRange: Bool { capabilities.features.contains(.parallelParts) }

    /// Whether the pool's service may fetch the artifact by itself instead. It must have several parts, and a strong ETag that identifies its
    /// version. An artifact of one part has already arrived with the answer, so its SHA-256 can be computed here.
    func mayFetchInService(_ plan: CopyPlan) -> Bool {
        guard capabilities.features.contains(.pullsURLs) else { return false }
        switch plan {
        case .bufferedRanges, .rangesInOrder: return true
        case .stream, .bufferedStream, .ranges: return false
        }
    }

    private var readsUploads: Bool { capabilities.features.contains(.readsUploads) }

    /// The size in bytes of the first part to request, before anything is known about the artifact.
    var firstPartSize: Int64 {
        let wanted = readsUploads ? partSize : min(partSize, max(memory / 8, 1))
        return min(max(wanted, capabilities.minPartSize, 1), capabilities.maxPartSize)
    }

    /// The size in bytes of every part of an artifact but its last. All are the same size, which some services require; it is larger if there would
    /// otherwise be too many parts.
    func partSize(of total: Int64) -> Int64 {
        let needed = (min(total, capabilities.maxObjectSize, 1 << 60) - 1) / Int64(max(capabilities.maxParts, 1)) + 1
        guard needed > firstPartSize else { return firstPartSize }
        let mebibyte: Int64 = 1 << 20
        return (needed - 1) / mebibyte * mebibyte + mebibyte
    }

    /// - Parameter first: The answer to a request for the first `partSize` bytes.
    /// - Returns: `nil` if that answer is not usable: a part of an artifact without a strong ETag, so that versions cannot be told apart, or a part
    ///   that does not fit the layout.
    func plan(first: OriginResponse, partSize: Int64) -> CopyPlan? {
        guard let range = first.range, let total = first.totalSize, range.length < total else { return whole(first) }
        guard first.strongETag != nil, range.offset == 0, range.length == partSize, partSize <= capabilities.maxPartSize else { return nil }
        let layout = PartLayout(size: total, partSize: partSize)
        guard layout.count <= capabilities.maxParts else { return nil }
        if readsUploads { return .ranges(layout) }
        return partSize <= largestBufferedPart ? .bufferedRanges(layout) : .rangesInOrder(layout)
    }

    /// The plan for one answer that contains the whole artifact.
    func whole(_ response: OriginResponse) -> CopyPlan {
        guard canRange, !readsUploads else { return .stream }
        guard let total = response.totalSize else {
            return .bufferedStream(PartSizes(first: firstPartSize, limit: max(largestBufferedPart, firstPartSize)))
        }
        let size = partSize(of: total)
        return .bufferedStream(PartSizes(first: size, limit: size))
    }

    /// The maximum size in bytes of an artifact that comes in one answer.
    var wholeLimit: Int64 {
        guard canRange, !readsUploads else { return .max }
        return PartSizes(first: firstPartSize, limit: max(largestBufferedPart, firstPartSize)).total(parts: capabilities.maxParts)
    }

    private var largestBufferedPart: Int64 { min(Self.maxBufferedPart, memory) }
}

/// How an artifact is cut into parts. It is never a list of parts, because an origin may state any size.
struct PartLayout: Equatable {
    /// In bytes; above 0.
    let size: Int64
    /// The size in bytes of every part but the last; above 0.
    let partSize: Int64

    var count: Int { Int((size - 1) / partSize + 1) }

    /// - Returns: `nil` if there is no part with this number.
    subscript(number: Int) -> ByteRange? {
        guard number >= 0, number < count else { return nil }
        let offset = Int64(number) * partSize
        return ByteRange(offset: offset, length: min(partSize, size - offset))
    }
}

/// The sizes of parts of an artifact whose length is not known: doubled after every ``step`` parts, so that the allowed number of parts is enough for
/// large artifacts.
struct PartSizes: Equatable {
    /// The number of parts of each size.
    static let step = 1_000

    /// Bytes.
    let first: Int64
    /// The largest size in bytes; at least `first`.
    let limit: Int64

    subscript(number: Int) -> Int64 {
        min(first << Int64(min(number / Self.step, 20)), max(limit, first))
    }

    /// The total size in bytes of this many parts.
    func total(parts: Int) -> Int64 {
        var total: Int64 = 0
        var left = parts
        var number = 0
        while left > 0 {
            // All further parts have the last size.
            let count = self[number] == self[number + Self.step] ? left : min(left, Self.step)
            let (bytes, overflow) = self[number].multipliedReportingOverflow(by: Int64(count))
            let (sum, sumOverflow) = total.addingReportingOverflow(bytes)
            if overflow || sumOverflow { return .max }
            total = sum
            left -= count
            number += Self.step
        }
        return total
    }
}
