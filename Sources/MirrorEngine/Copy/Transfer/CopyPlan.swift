import MirrorCore
import MirrorStorage

/// How the bytes of one copy travel. See ``CopyTransfer`` for what each way does.
enum CopyPlan: Equatable {
    /// One answer, read to its end.
    case stream
    /// One answer, cut into parts.
    case bufferedStream(PartSizes)
    /// Parts asked for one by one, several at the same time; the first is already on its way.
    case ranges(PartLayout)
    /// The same, each in memory before it is written.
    case bufferedRanges(PartLayout)
    /// Parts asked for one after the other.
    case rangesInOrder(PartLayout)
}

/// Chooses the way of a copy: what the store can do, how large its parts are, and what the origin's first answer says.
struct CopyPlanner {
    /// Bytes of memory that one part may take.
    static let maxBufferedPart: Int64 = 32 << 20

    let capabilities: StoreCapabilities
    /// As configured, in bytes.
    let partSize: Int64
    /// Bytes of memory for the parts of all copies.
    let memory: Int64

    /// Whether a request for a range is worth making.
    var canRange: Bool { capabilities.features.contains(.parallelParts) }

    /// Whether the pool's service may fetch the artifact by itself instead: one of several parts, which can be told from its next version. An artifact of
    /// one part has already arrived with the answer, and its SHA-256 is known that way.
    func mayFetchInService(_ plan: CopyPlan) -> Bool {
        guard capabilities.features.contains(.pullsURLs) else { return false }
        switch plan {
        case .bufferedRanges, .rangesInOrder: return true
        case .stream, .bufferedStream, .ranges: return false
        }
    }

    private var readsUploads: Bool { capabilities.features.contains(.readsUploads) }

    /// Bytes of the first part to ask for, before anything is known of the artifact.
    var firstPartSize: Int64 {
        let wanted = readsUploads ? partSize : min(partSize, max(memory / 8, 1))
        return min(max(wanted, capabilities.minPartSize, 1), capabilities.maxPartSize)
    }

    /// Bytes of every part of an artifact but its last: all the same, which some services insist on, and more where there would be too many.
    func partSize(of total: Int64) -> Int64 {
        let needed = (min(total, capabilities.maxObjectSize, 1 << 60) - 1) / Int64(max(capabilities.maxParts, 1)) + 1
        guard needed > firstPartSize else { return firstPartSize }
        let mebibyte: Int64 = 1 << 20
        return (needed - 1) / mebibyte * mebibyte + mebibyte
    }

    /// - Parameter first: The answer to a request for the first `partSize` bytes.
    /// - Returns: `nil` when that answer is of no use: a part of an artifact that cannot be told from its next version.
    func plan(first: OriginResponse, partSize: Int64) -> CopyPlan? {
        guard let range = first.range, let total = first.totalSize, range.length < total else { return whole(first) }
        guard first.strongETag != nil, range.offset == 0, range.length == partSize, partSize <= capabilities.maxPartSize else { return nil }
        let layout = PartLayout(size: total, partSize: partSize)
        guard layout.count <= capabilities.maxParts else { return nil }
        if readsUploads { return .ranges(layout) }
        return partSize <= largestBufferedPart ? .bufferedRanges(layout) : .rangesInOrder(layout)
    }

    /// The plan for one answer that holds everything.
    func whole(_ response: OriginResponse) -> CopyPlan {
        guard canRange, !readsUploads else { return .stream }
        guard let total = response.totalSize else {
            return .bufferedStream(PartSizes(first: firstPartSize, limit: max(largestBufferedPart, firstPartSize)))
        }
        let size = partSize(of: total)
        return .bufferedStream(PartSizes(first: size, limit: size))
    }

    /// Bytes of an artifact that comes in one answer, at most.
    var wholeLimit: Int64 {
        guard canRange, !readsUploads else { return .max }
        return PartSizes(first: firstPartSize, limit: max(largestBufferedPart, firstPartSize)).total(parts: capabilities.maxParts)
    }

    private var largestBufferedPart: Int64 { min(Self.maxBufferedPart, memory) }
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

/// The sizes of parts of an artifact whose length is not known: doubled now and then, so that the allowed number of parts reaches far.
struct PartSizes: Equatable {
    /// Parts of each size.
    static let step = 1_000

    /// Bytes.
    let first: Int64
    /// Bytes; above `first` or equal.
    let limit: Int64

    subscript(number: Int) -> Int64 {
        min(first << Int64(min(number / Self.step, 20)), max(limit, first))
    }

    /// Bytes that so many parts hold, at most.
    func total(parts: Int) -> Int64 {
        var total: Int64 = 0
        var left = parts
        var number = 0
        while left > 0 {
            // The last size goes on for ever.
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
