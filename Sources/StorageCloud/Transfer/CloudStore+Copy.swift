package import MirrorCore
import MirrorStorage

extension CloudStore {
    /// The size of the parts of a copy by the service: small enough to give all workers something to do, and large enough to stay within the
    /// maximum number of parts.
    package static func copyPartSize(of size: Int64, configured: Int64, workers: Int) -> Int64 {
        let share = roundedUp(size / Int64(max(1, workers)))
        let least = max(minCopyPartSize, roundedUp(size / Int64(maxParts)))
        return min(max(least, min(share, configured)), maxPartSize)
    }

    /// Rounds up to whole MiB; adds one MiB to a size that is whole already.
    private static func roundedUp(_ size: Int64) -> Int64 { ((size >> 20) + 1) << 20 }

    /// Copies an object part by part, several at the same time. If one fails, the others are cancelled.
    ///
    /// - Parameters:
    ///   - partSize: Bytes, at least 1.
    ///   - copy: Copies a part; parts are counted from 0.
    /// - Returns: The parts in order.
    package func copyParts<Part: Sendable>(
        of size: Int64, partSize: Int64, workers: Int, _ copy: @escaping @Sendable (_ number: Int, _ range: ByteRange) async throws -> Part
    ) async throws -> [Part] {
        let count = Int((size + partSize - 1) / partSize)
        let numbers = PartNumbers(count: count)
        return try await withThrowingTaskGroup(of: [(number: Int, part: Part)].self) { group in
            for _ in 0..<min(max(1, workers), count) {
                group.addTask {
                    var parts: [(number: Int, part: Part)] = []
                    while let number = numbers.take() {
                        let offset = Int64(number) * partSize
                        guard let range = ByteRange(offset: offset, length: min(partSize, size - offset)) else { break }
                        parts.append((number, try await copy(number, range)))
                    }
                    return parts
                }
            }
            var all: [(number: Int, part: Part)] = []
            for try await parts in group { all += parts }
            return all.sorted { $0.number < $1.number }.map(\.part)
        }
    }
}
