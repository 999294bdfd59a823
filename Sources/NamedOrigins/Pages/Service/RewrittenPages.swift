import MirrorCore
import NIOCore
import Synchronization

/// Pages as clients get them, with their links rewritten: those that were asked for last are kept in memory, because rewriting takes most of the time of an
/// answer.
///
/// They are found by their entity tags, each of which is a hash of everything that the page depends on. Clients choose some of that, such as the host
/// in their requests. So a page is only rewritten as a whole after a client has read it to its end: otherwise a small request could cause much work.
final class RewrittenPages: Sendable {
    /// Bytes of a page before it is rewritten; larger ones are rewritten each time, on the way to the client.
    static let maxPage: Int64 = 2 << 20

    private struct State {
        var newer: [String: RewrittenPage] = [:]
        /// Dropped when the newer half is full.
        var older: [String: RewrittenPage] = [:]
        /// Of the newer half.
        var bytes = 0
        /// Pages that were read to their end as they were rewritten.
        var read = RecentEntries<String, Bool>(capacity: 4_096)
    }

    private let maxKept: Int
    private let maxAlive: Int
    private let alive = AliveBytes()
    private let state = Mutex(State())

    /// - Parameters:
    ///   - maxKept: Bytes of pages that are kept.
    ///   - maxAlive: Bytes of these, of those that are being rewritten, and of those that are still on their way to clients.
    init(maxKept: Int = 32 << 20, maxAlive: Int = 64 << 20) {
        self.maxKept = maxKept
        self.maxAlive = maxAlive
    }

    /// - Returns: `nil` for one that is not kept.
    func page(_ tag: String) -> RewrittenPage? {
        state.withLock { state in
            if let page = state.newer[tag] { return page }
            guard let page = state.older.removeValue(forKey: tag) else { return nil }
            insert(page, tag, &state)
            return page
        }
    }

    /// A client has read a page to its end as it was rewritten.
    func noteRead(_ tag: String) { state.withLock { $0.read.insert(true, for: tag) } }

    /// Whether a page was read to its end, since this was asked last.
    func wasRead(_ tag: String) -> Bool { state.withLock { $0.read.remove(tag) != nil } }

    /// Rewrites a page as a whole, and keeps it. Takes room first: thousands may ask for the same page at the same time.
    ///
    /// - Parameter length: In bytes, before.
    /// - Parameter rewritten: Returns `nil` for a page that becomes too long.
    /// - Returns: `nil` if there is no room.
    func keep(_ tag: String, of length: Int64, _ rewritten: () async throws -> [UInt8]?) async throws -> RewrittenPage? {
        guard length <= Self.maxPage, alive.add(Int(length), upTo: maxAlive) else { return nil }
        defer { alive.count.subtract(Int(length), ordering: .relaxed) }
        return try await rewritten().map { keep($0, as: tag) }
    }

    func keep(_ bytes: [UInt8], as tag: String) -> RewrittenPage {
        let page = RewrittenPage(bytes, alive)
        state.withLock { insert(page, tag, &$0) }
        return page
    }

    private func insert(_ page: RewrittenPage, _ tag: String, _ state: inout State) {
        if state.bytes + page.length > maxKept / 2 { (state.newer, state.older, state.bytes) = ([:], state.newer, 0) }
        if state.newer.updateValue(page, forKey: tag) == nil { state.bytes += page.length }
    }
}

/// How many bytes of rewritten pages there are.
private final class AliveBytes: Sendable {
    let count = Atomic(0)

    /// - Returns: Whether there is room for so many more; otherwise nothing changes.
    func add(_ bytes: Int, upTo limit: Int) -> Bool {
        guard count.add(bytes, ordering: .relaxed).newValue > limit else { return true }
        count.subtract(bytes, ordering: .relaxed)
        return false
    }
}

/// Counts as long as somebody holds it.
final class RewrittenPage: Sendable {
    /// In bytes.
    let length: Int
    private let bytes: ByteBuffer
    private let alive: AliveBytes

    fileprivate init(_ bytes: [UInt8], _ alive: AliveBytes) {
        self.bytes = ByteBuffer(bytes: bytes)
        length = bytes.count
        self.alive = alive
        alive.count.add(length, ordering: .relaxed)
    }

    deinit { alive.count.subtract(length, ordering: .relaxed) }

    /// A part of it, which is not copied.
    ///
    /// - Returns: `nil` at the end.
    func slice(at offset: Int, upTo count: Int) -> ByteBuffer? {
        offset < length ? bytes.getSlice(at: offset, length: min(count, length - offset)) : nil
    }
}
