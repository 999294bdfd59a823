package import MirrorStorage
package import NIOCore
import Synchronization

/// The parts of an upload until it ends: sent to the service, or in memory if a part may be the whole object.
package final class UploadParts<Sent: Sendable>: Sendable {
    package enum Content: Sendable {
        case held([ByteBuffer])
        case sent(Sent)
    }

    package struct Part: Sendable {
        package let number: Int
        package let offset: Int64
        package let length: Int64
        package let content: Content
    }

    /// All non-empty parts of an object, in order.
    package struct Whole: Sendable {
        package let parts: [Part]
        /// Bytes.
        package let size: Int64
        /// Whether the service was asked before to publish the object: it may have done so even if its answer was lost.
        package let wasAsked: Bool

        /// The bytes of an object that is in memory.
        package var held: [ByteBuffer]? {
            if parts.isEmpty { return [] }
            guard parts.count == 1, case .held(let chunks) = parts[0].content else { return nil }
            return chunks
        }

        /// All parts as the service holds them, after sending those in memory.
        package func sent(_ send: (_ number: Int, _ body: CallBody) async throws -> Sent) async throws -> [Sent] {
            var all: [Sent] = []
            for part in parts {
                switch part.content {
                case .sent(let sent): all.append(sent)
                case .held(let chunks): all.append(try await send(part.number, .bytes(chunks)))
                }
            }
            return all
        }
    }

    private struct State {
        var isOpen = true
        var parts: [Int: Part] = [:]
        var isAsked = false
    }

    /// Bytes of a part that is first gathered in memory: it can then be sent again, and its checksum can precede it.
    package static var gathered: Int64 { 8 << 20 }
    /// Bytes of a part of unknown length.
    private static var longestUnstated: Int { 64 << 20 }

    private let maxParts: Int
    private let minPartSize: Int64
    private let expectedSize: Int64?
    let errors: CloudErrors
    private let state = Mutex(State())

    /// - Parameter minPartSize: Bytes; a shorter part must be the last.
    /// - Parameter expectedSize: Bytes of the object, if known.
    package init(maxParts: Int, minPartSize: Int64, expectedSize: Int64?, errors: CloudErrors) {
        self.maxParts = maxParts
        self.minPartSize = minPartSize
        self.expectedSize = expectedSize
        self.errors = errors
    }

    package var isOpen: Bool { state.withLock { $0.isOpen } }

    /// Takes a part.
    ///
    /// - Parameter body: Reads the part; returns its length in bytes, too.
    /// - Returns: Its length in bytes.
    /// - Throws: `.invalidRequest` for an invalid part, and if the upload has ended; errors of `body`.
    package func write(_ part: UploadPart, _ body: () async throws -> (content: Content, length: Int64)) async throws -> Int64 {
        guard (0..<maxParts).contains(part.number), part.offset >= 0, (part.length ?? 0) >= 0 else {
            throw errors.invalid("a part's number must be 0 to \(maxParts - 1), and its offset not negative", "write")
        }
        try change("write") { $0.parts[part.number] = nil }
        let (content, length) = try await body()
        let written = Part(number: part.number, offset: part.offset, length: length, content: content)
        try change("write") { $0.parts[part.number] = written }
        return length
    }

    /// Takes a part, and sends it unless it is the whole object.
    ///
    /// - Throws: Errors of `send` and of the stream, too.
    package func write(
        _ part: UploadPart, from body: ByteStream, _ send: (_ number: Int, _ body: CallBody) async throws -> Sent
    ) async throws -> Int64 {
        try await write(part) {
            let inMemory = try await part.gathered(from: body, upTo: Self.gathered, unstatedUpTo: Self.longestUnstated, errors: errors)
            if let chunks = inMemory { return try await keep(part, chunks, send) }
            let length = part.length ?? 0
            let counted = body.counted(length, number: part.number, errors: errors)
            return (.sent(try await send(part.number, .stream(counted, length: length))), length)
        }
    }

    /// Keeps a part that is in memory if it may be the whole object, and sends it otherwise.
    package func keep(
        _ part: UploadPart, _ chunks: [ByteBuffer], _ send: (_ number: Int, _ body: CallBody) async throws -> Sent
    ) async throws -> (content: Content, length: Int64) {
        let body = CallBody.bytes(chunks)
        guard part.length == nil || part.length == body.length else {
            throw errors.invalid("part \(part.number) is \(body.length) bytes long, not as long as stated", "write")
        }
        if body.length == 0 || isWhole(part, body.length) { return (.held(chunks), body.length) }
        return (.sent(try await send(part.number, body)), body.length)
    }

    /// Whether the object consists of this part alone.
    private func isWhole(_ part: UploadPart, _ length: Int64) -> Bool {
        guard part.number == 0, part.offset == 0 else { return false }
        // A part below the minimum size must be the last.
        return expectedSize.map { $0 == length } ?? (length < minPartSize)
    }

    /// All parts, before the service is asked to publish the object.
    ///
    /// - Throws: `.invalidRequest` if they are not an object of `size` bytes, or if the upload has ended.
    package func whole(size: Int64) throws -> Whole {
        try change("complete") { state in
            let parts = state.parts.values.filter { $0.length > 0 }.sorted { $0.number < $1.number }
            var end: Int64 = 0
            for part in parts {
                guard part.offset == end else { throw errors.invalid("bytes are missing or written twice", "complete") }
                end += part.length
            }
            guard end == size else { throw errors.invalid("\(end) bytes were written instead of \(size)", "complete") }
            defer { state.isAsked = true }
            return Whole(parts: parts, size: size, wasAsked: state.isAsked)
        }
    }

    // MARK: The end

    /// - Returns: Whether it was open.
    @discardableResult
    package func close() -> Bool {
        state.withLock { state in
            defer { state = State(isOpen: false) }
            return state.isOpen
        }
    }

    /// The error for a call that comes after the end.
    package func ended(_ call: String) -> StorageError { errors.invalid("the upload has already ended", call) }

    private func change<Result>(_ call: String, _ body: (inout sending State) throws -> sending Result) throws -> Result {
        try state.withLock { state in
            guard state.isOpen else { throw ended(call) }
            return try body(&state)
        }
    }
}
