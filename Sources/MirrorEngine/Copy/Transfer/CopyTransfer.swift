import MirrorCore
import MirrorState
import MirrorStorage
import NIOCore

/// Transfers the bytes of one artifact from its origin to an upload, and hashes them on the way.
///
/// There are three ways, depending on the store:
/// - if the store can read uploads back, it gets parts as they arrive, and the digest is computed behind them (decision 0005);
/// - if it cannot, parts are gathered in memory first, within a budget for all copies: they can be hashed in order even if they arrive out of order,
///   and sent again if the store fails (decision 0007);
/// - if the store takes no parts, or parts are too large for memory, the artifact is read in order.
struct CopyTransfer: Sendable {
    let origin: OriginReader
    let upload: AccountedUpload
    let hash: ArtifactHash
    let configuration: CopyConfiguration
    let memory: CopyMemory
    /// Whose share of the memory the parts are taken from.
    let lane: CopyLane
    /// The room in the pool, taken as the bytes arrive.
    let room: PoolSpace.Reservation
    /// The maximum size of the whole artifact, in bytes.
    let limit: Int64
    let progress: CopyProgress
    /// Called with the number of bytes that have reached the store.
    let count: @Sendable (Int64) -> Void

    /// - Parameter first: The answer that the plan was made for.
    func run(_ plan: CopyPlan, _ first: OriginResponse) async throws {
        func reader(_ parts: PartLayout) -> PartReader {
            PartReader(origin: origin, first: first, parts: parts, room: room, progress: progress)
        }
        switch plan {
        case .stream: try await stream(first)
        case .bufferedStream(let sizes): try await bufferedStream(first, sizes)
        case .ranges(let parts): try await ranges(reader(parts))
        case .bufferedRanges(let parts): try await bufferedRanges(reader(parts))
        case .rangesInOrder(let parts): try await rangesInOrder(reader(parts))
        }
        if let size = first.totalSize, hash.count != size {
            throw CopyError(.transfer, isTransient: true, "parts are missing")
        }
        if hash.count == first.suspectSize {
            throw CopyError(
                .transfer, isTransient: true, "the origin sent as many bytes as were requested, without saying whether that is all")
        }
    }

    // MARK: One answer

    /// One answer, read to its end.
    private func stream(_ response: OriginResponse) async throws {
        let body = CheckedBody(
            base: response.body, hash: hash, expected: response.totalSize, limit: limit, room: room, progress: progress)
        let written = try await upload.write(UploadPart(number: 0, offset: 0, length: response.totalSize), from: ByteStream(body))
        count(written)
        guard written == hash.count else { throw CopyError(.storage, isTransient: true, "the pool did not accept all bytes") }
    }

    /// One answer, cut into parts in memory, which are written while the next ones arrive.
    private func bufferedStream(_ response: OriginResponse, _ sizes: PartSizes) async throws {
        let body = CheckedBody(
            base: response.body, hash: hash, expected: response.totalSize, limit: limit, room: room, progress: progress)
        try await withThrowingTaskGroup(of: Void.self) { writers in
            var iterator = body.makeAsyncIterator()
            var rest = ByteBuffer()
            var offset: Int64 = 0
            var number = 0
            var writing = 0
            while true {
                let size = sizes[number]
                let part = memory.part(of: lane, size: min(size, (response.totalSize ?? .max) - offset), isFront: { true })
                let bytes = try await Self.fill(size, part, from: &iterator, &rest)
                let length = bytes.reduce(0) { $0 + Int64($1.readableBytes) }
                // An empty artifact is one empty part.
                guard length > 0 || number == 0 else { break }
                let place = UploadPart(number: number, offset: offset, length: length)
                if writing == configuration.partConcurrency {
                    try await writers.next()
                    writing -= 1
                }
                upload.keep(number == 0 ? part : nil)
                writers.addTask {
                    try await write(place, bytes)
                    withExtendedLifetime(part) {}
                }
                writing += 1
                offset += length
                number += 1
                if length < size { break }
            }
            for try await _ in writers {}
        }
    }

    // MARK: Ranges

    /// Parts as they arrive; the digest reads back the bytes that are complete from the start.
    private func ranges(_ reader: PartReader) async throws {
        let (finished, finish) = AsyncStream.makeStream(of: Int.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await follow(reader.parts, finished: finished) }
            group.addTask {
                defer { finish.finish() }
                try await reader.each(concurrency: configuration.partConcurrency) { number, range in
                    let body = try await reader.open(number, range, hash: nil)
                    let part = UploadPart(number: number, offset: range.offset, length: range.length)
                    _ = try await upload.write(part, from: ByteStream(body))
                    count(range.length)
                    finish.yield(number)
                }
            }
            for try await _ in group {}
        }
    }

    private func follow(_ parts: PartLayout, finished: AsyncStream<Int>) async throws {
        var waiting: Set<Int> = []
        var front = 0
        for await number in finished {
            waiting.insert(number)
            while waiting.remove(front) != nil, let range = parts[front] {
                for try await chunk in try await upload.read(range) { hash.update(chunk) }
                front += 1
            }
        }
    }

    /// Parts in memory, each written once it is complete.
    private func bufferedRanges(_ reader: PartReader) async throws {
        let ordered = OrderedHash(hash)
        try await reader.each(concurrency: configuration.partConcurrency) { number, range in
            let part = memory.part(of: lane, size: range.length, isFront: { ordered.isFront(number) })
            // The first answer has already arrived. Another is not requested until there is memory for it; otherwise its origin would have to wait.
            if number > 0 { _ = try await part.take(1) }
            var iterator = try await reader.open(number, range, hash: nil).makeAsyncIterator()
            var rest = ByteBuffer()
            let bytes = try await Self.fill(range.length, part, from: &iterator, &rest)
            // Read to the end, where the body checks its length.
            let length = bytes.reduce(0) { $0 + Int64($1.readableBytes) }
            guard rest.readableBytes == 0, try await iterator.next() == nil, length == range.length else {
                throw CopyError(.transfer, isTransient: true, "the origin sent a different part from the one that it stated")
            }
            // Concurrent with the writing, because the task that hashes may continue with other tasks' parts.
            async let hashed: Void = ordered.add(number, bytes, part)
            try await write(UploadPart(number: number, offset: range.offset, length: range.length), bytes)
            await hashed
            withExtendedLifetime(part) {}
        }
    }

    /// Parts one after the other, as they arrive.
    private func rangesInOrder(_ reader: PartReader) async throws {
        try await reader.each(concurrency: 1) { number, range in
            let body = try await reader.open(number, range, hash: hash)
            let part = UploadPart(number: number, offset: range.offset, length: range.length)
            _ = try await upload.write(part, from: ByteStream(body))
            count(range.length)
        }
    }

    // MARK: Parts in memory

    private func write(_ part: UploadPart, _ bytes: [ByteBuffer]) async throws {
        let written = try await upload.write(part, from: ByteStream(chunks: bytes))
        guard written == part.length else { throw CopyError(.storage, isTransient: true, "the pool did not accept all bytes") }
        count(written)
    }

    /// Reads the next `size` bytes; fewer at the end.
    ///
    /// - Parameter memory: The memory of the part.
    /// - Parameter rest: What was read beyond the part; input for the next call.
    private static func fill(
        _ size: Int64, _ memory: PartMemory, from body: inout CheckedBody.AsyncIterator, _ rest: inout ByteBuffer
    ) async throws -> [ByteBuffer] {
        var bytes = PartBuffer(memory)
        while true {
            try await bytes.take(min(Int(size) - bytes.count, rest.readableBytes), from: &rest)
            guard bytes.count < Int(size), let chunk = try await body.next() else { return bytes.finish() }
            rest = chunk
        }
    }
}
