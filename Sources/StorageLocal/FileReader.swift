import MirrorCore
import MirrorStorage
import MirrorSystem
import NIOCore
import Synchronization

/// Reads a range of a file as a stream, one chunk ahead of the reader.
///
/// Holds the file open, so that a deleted or replaced object can be read to its end. Closes it at the end, after an error, or when dropped.
final class FileReader: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    /// Bytes: large enough that handing it to a thread costs little, small enough that the chunks of thousands of stalled readers fit into memory.
    /// Each reader has three: one on its way to the client, one waiting behind it, and the next.
    static let chunkSize = 64 << 10

    private struct State {
        var file: Descriptor?
        var offset: Int64
        var end: Int64
        var pending: FileCall<ByteBuffer>?
    }

    private let state: Mutex<State>
    private let threads: FileThreads
    private let operation: String

    init(_ file: Descriptor, from offset: Int64, to end: Int64, threads: FileThreads, operation: String) {
        state = Mutex(State(file: offset < end ? file : nil, offset: offset, end: end))
        self.threads = threads
        self.operation = operation
    }

    struct AsyncIterator: AsyncIteratorProtocol {
        let reader: FileReader

        mutating func next() async throws -> ByteBuffer? {
            try await reader.next()
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(reader: self) }

    private func next() async throws -> ByteBuffer? {
        try Task.checkCancellation()
        guard let pending = state.withLock({ state in state.pending.take() ?? startRead(&state) }) else { return nil }
        let chunk: ByteBuffer
        do {
            chunk = try await pending.value
        } catch {
            state.withLock { $0.file = nil }
            throw error
        }
        state.withLock { state in state.pending = startRead(&state) }
        return chunk
    }

    /// Starts reading the next chunk, if there is one.
    private func startRead(_ state: inout State) -> FileCall<ByteBuffer>? {
        guard let file = state.file else { return nil }
        let offset = state.offset
        let count = Int(Swift.min(Int64(Self.chunkSize), state.end - offset))
        state.offset += Int64(count)
        if state.offset == state.end { state.file = nil }
        return threads.start(operation, within: LocalStore.limits.idle) { [operation] in
            let chunk = try file.read(count, at: offset)
            guard chunk.readableBytes == count else {
                throw StorageError(.unavailable, "the object's file ended early", operation: operation)
            }
            return chunk
        }
    }
}
