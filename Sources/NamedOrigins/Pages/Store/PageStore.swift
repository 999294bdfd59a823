package import Logging
package import MirrorCore
import MirrorSystem
import NIOPosix
import Synchronization

/// Keeps pages in a directory, up to a number of bytes. The least recently used pages make room for new ones.
///
/// A page is stored completely or not at all. It survives a restart; a page that a crash of the machine has damaged is detected and removed. The
/// store belongs to one
/// process: another one that opens the same directory fails.
package final class PageStore: Sendable {
    private static let lockName = "lock"
    private static let temporaryPrefix = "new-"
    /// Bodies up to this size are also kept in memory, up to this total.
    private static let maxInMemory = 64 << 10
    private static let inMemory = 256
    private static let maxPurges = 1_000

    private struct Entry {
        var size: Int64
        /// Grows with each use of any page.
        var lastUse: Int
        /// Whether this process has written the body, or compared it with its digest.
        var isChecked = false
        /// The client network that made the mirror fetch it first, unless that was before a restart.
        var network: ClientNetwork?
    }

    private struct State {
        private(set) var entries: [String: Entry] = [:]
        private(set) var bytes: Int64 = 0
        private(set) var shares = NetworkShares()
        /// Not 0: pages that are found at the start are older than every use, and may make room at once.
        var uses = 1
        var lastTemporary = 0
        /// The numbers of the last purges, by the hash of the URL because URLs may be long. Those that are not remembered were not after `forgotten`.
        var purges: [Int: Int] = [:]
        var lastPurge = 0
        var forgotten = 0
        /// The records of pages. Clients and origins determine their length: URLs and fields may have 32 KiB together.
        var known: RecentEntries<String, StoredPage>
        /// By digest, so that no page ever gets the body of another.
        var bodies = RecentEntries<String, [UInt8]>(capacity: inMemory)

        /// What a page takes of its network's share at least, so that nobody has too many small ones either.
        private let leastShare: Int64

        init(maxKnown: Int, leastShare: Int64) {
            known = RecentEntries(capacity: maxKnown)
            self.leastShare = leastShare
        }

        mutating func set(_ name: String, to entry: Entry?) {
            if let old = entries[name] {
                bytes -= old.size
                if let network = old.network { shares.giveBack(network, share(of: old)) }
            }
            entries[name] = entry
            guard let entry else { return }
            bytes += entry.size
            if let network = entry.network { shares.take(network, share(of: entry)) }
        }

        mutating func use(_ name: String) {
            uses += 1
            entries[name]?.lastUse = uses
        }

        func share(of entry: Entry) -> Int { Int(max(entry.size, leastShare)) }
    }

    private let directory: Descriptor
    private let lock: Descriptor
    private let maxBytes: Int64
    private let maxPages: Int
    private let logger: Logger
    private let threads: NIOThreadPool
    private let arriving: ArrivingBytes
    private let state: Mutex<State>
    /// Held while files get their names or are removed, so that the state says what there is.
    private let changing = Mutex(())

    /// Opens a directory, which is made if it is missing. Blocks.
    ///
    /// - Parameters:
    ///   - maxBytes: For all pages; while pages arrive, they may take as much again.
    ///   - maxPages: Each takes some 200 bytes of memory.
    ///   - maxKnown: The number of pages whose fields are in memory: typically 1 KiB for each.
    /// - Throws: ``PageStoreError``.
    package init(directory path: String, maxBytes: Int64, maxPages: Int = 100_000, maxKnown: Int = 4_096, logger: Logger) throws {
        self.maxBytes = maxBytes
        self.maxPages = maxPages
        arriving = ArrivingBytes(limit: maxBytes)
        self.logger = logger
        do throws(Errno) {
            try Directories.make(path)
            directory = try Descriptor(directory: path)
            lock = try directory.openOrCreateFile(Self.lockName)
            guard try lock.lockExclusively() else { throw Errno.wouldBlock }
        } catch {
            let reason = error == .wouldBlock ? "another process uses it" : error.phrase
            throw PageStoreError(message: "the pages cannot be kept in \(path): \(reason)")
        }
        var state = State(maxKnown: maxKnown, leastShare: maxBytes / Int64(max(maxPages, 1)))
        do throws(Errno) {
            for name in try directory.entries() {
                if name.utf8.count == PageKey.fileNameLength, let size = Self.size(name, in: directory) {
                    state.set(name, to: Entry(size: size, lastUse: 0))
                } else if name.hasPrefix(Self.temporaryPrefix) {
                    try directory.remove(name)
                }
            }
        } catch {
            throw PageStoreError(message: "the pages in \(path) cannot be listed: \(error.phrase)")
        }
        self.state = Mutex(state)
        // Pages are small; a disk that hangs holds these threads and no others.
        threads = NIOThreadPool(numberOfThreads: 8)
        threads.start()
        makeRoom()
    }

    /// Releases the directory for another process or store. This store must not be used afterwards.
    package func close() { lock.unlock() }

    deinit {
        lock.unlock()
        threads.shutdownGracefully { _ in }
    }

    /// The size of all files in bytes, and how many there are.
    package var usage: (bytes: Int64, pages: Int) { state.withLock { ($0.bytes, $0.entries.count) } }

    // MARK: Reading

    /// - Returns: `nil` for a page that is not there, or cannot be read.
    func find(_ key: PageKey) async -> StoredPage? {
        let known = state.withLock { state -> (isThere: Bool, page: StoredPage?) in
            guard state.entries[key.fileName] != nil else { return (false, nil) }
            state.use(key.fileName)
            return (true, state.known[key.fileName])
        }
        guard known.isThere else { return nil }
        if let page = known.page { return page }
        do {
            return try await threads.runIfActive { self.open(key) }
        } catch {
            return nil
        }
    }

    private func open(_ key: PageKey) -> StoredPage? {
        var damage = "it is incomplete"
        do throws(Errno) {
            let descriptor = try directory.openFile(key.fileName)
            if let file = try PageFile(descriptor), file.record.url == key.url.description, file.record.variant == key.variant,
                try isChecked(key) ? true : file.isWhole()
            {
                let page = StoredPage(file.record, validated: file.validated ?? file.record.fetched)
                note(page, key, size: file.size, isNew: false)
                return page
            }
        } catch {
            damage = error.phrase
        }
        return changing.withLock { _ -> StoredPage? in
            // It has been replaced since.
            if let page = state.withLock({ $0.known[key.fileName] }) { return page }
            logger.warning(
                "A page is removed because it cannot be read", metadata: ["page": "\(key.url.redacted)", "reason": "\(damage)"])
            remove([key.fileName])
            return nil
        }
    }

    private func isChecked(_ key: PageKey) -> Bool { state.withLock { $0.entries[key.fileName]?.isChecked == true } }

    /// The bytes of a page's body: those in memory, or the open file.
    func body(of page: StoredPage, _ key: PageKey) async throws -> PageContent {
        if let bytes = state.withLock({ $0.bodies[page.record.sha256] }), bytes.count == page.record.length { return .bytes(bytes) }
        do {
            return try await read(page, key)
        } catch {
            // If nothing has replaced it, its file is damaged or gone: whoever looks for it next opens the file.
            state.withLock { state in
                if state.known[key.fileName] === page { _ = state.known.remove(key.fileName) }
            }
            throw error
        }
    }

    private func read(_ page: StoredPage, _ key: PageKey) async throws -> PageContent {
        try await threads.runIfActive {
            let descriptor = try self.directory.openFile(key.fileName)
            // It may have been replaced since it was looked up.
            guard let file = try PageFile(descriptor), file.record == page.record else {
                throw PageStoreError(message: "the page was replaced")
            }
            guard page.record.length <= Int64(Self.maxInMemory) else {
                return .file(PageReader(descriptor, length: page.record.length, self.threads))
            }
            let bytes = try descriptor.bytes(Int(page.record.length), at: 0)
            guard bytes.count == Int(page.record.length) else { throw PageStoreError(message: "the page is shorter than it was") }
            self.state.withLock { $0.bodies.insert(bytes, for: page.record.sha256) }
            return .bytes(bytes)
        }
    }

    // MARK: Writing

    /// A file for a body that is arriving.
    func newFile() async throws -> PageWriter {
        let name = state.withLock { state in
            state.lastTemporary += 1
            return "\(Self.temporaryPrefix)\(state.lastTemporary)"
        }
        let descriptor = try await threads.runIfActive { try self.directory.createFile(name) }
        return PageWriter(name: name, descriptor: descriptor, directory: directory, arriving: arriving, threads)
    }

    /// A number that grows with each purge of a URL's pages, and sometimes without one.
    func moment(of url: ArtifactURL) -> Int { state.withLock { $0.purges[url.hashValue] ?? $0.forgotten } }

    /// Replaces a stored page.
    ///
    /// - Parameters:
    ///   - moment: From before the request to the origin.
    ///   - network: Whose share the page takes, unless it replaces one; `nil` if many clients may be behind one address.
    /// - Returns: `nil` if the URL's pages may have been purged since then: nothing is stored.
    func keep(
        _ writer: PageWriter, _ record: PageRecord, as key: PageKey, since moment: Int, for network: ClientNetwork?
    ) async throws -> StoredPage? {
        let page = StoredPage(record, validated: record.fetched)
        let tail = try record.bytes
        let size = record.length + Int64(tail.count + PageFooter.size)
        guard size <= maxBytes else { throw PageStoreError(message: "the page is larger than the store") }
        return try await threads.runIfActive {
            try writer.descriptor.append(tail + PageFooter.bytes(validated: record.fetched, record: tail))
            let isKept = try self.changing.withLock { _ in
                guard self.moment(of: key.url) == moment else { return false }
                try self.directory.rename(writer.name, to: self.directory, as: key.fileName)
                writer.isKept.store(true, ordering: .relaxed)
                self.note(page, key, size: size, isNew: true, for: network)
                return true
            }
            self.makeRoom()
            return isKept ? page : nil
        }
    }

    /// The origin has confirmed a page.
    func confirm(_ page: StoredPage, _ key: PageKey, at time: Timestamp) async {
        page.validated.store(time.milliseconds, ordering: .relaxed)
        do {
            try await threads.runIfActive {
                let descriptor = try self.directory.openFileForChanges(key.fileName)
                guard let size = try descriptor.fileSize(), size >= Int64(PageFooter.size) else { return }
                try PageFooter.stamp(time.milliseconds).withUnsafeBytes { try descriptor.write($0, at: size - Int64(PageFooter.size)) }
            }
        } catch {
            // The page only counts as older after a restart.
            logger.debug("A page cannot be stamped", metadata: ["page": "\(key.url.redacted)", "error": "\(error)"])
        }
    }

    func remove(_ key: PageKey) { changing.withLock { _ in remove([key.fileName]) } }

    /// Removes every page of a URL, whatever was accepted, and those that are being fetched as soon as they arrive. Blocks.
    ///
    /// - Returns: How many there were.
    @discardableResult
    package func purge(_ url: ArtifactURL) -> Int {
        let prefix = url.nameHash
        return changing.withLock { _ in
            let names = state.withLock { state in
                if state.purges.count >= Self.maxPurges { (state.purges, state.forgotten) = ([:], state.lastPurge) }
                state.lastPurge += 1
                state.purges[url.hashValue] = state.lastPurge
                return state.entries.keys.filter { $0.hasPrefix(prefix) }
            }
            remove(names)
            return names.count
        }
    }

    /// Called while ``changing`` is held.
    private func remove(_ names: [String]) {
        state.withLock { state in
            for name in names {
                state.set(name, to: nil)
                _ = state.known.remove(name)
            }
        }
        for name in names {
            do throws(Errno) {
                try directory.remove(name)
            } catch  where error != .noSuchFileOrDirectory {
                logger.warning("A page cannot be removed", metadata: ["file": "\(name)", "error": "\(error)"])
            } catch {}
        }
    }

    /// - Parameter isNew: Whether its file was just written; otherwise it was read, and may be gone, or replaced, by now.
    private func note(_ page: StoredPage, _ key: PageKey, size: Int64, isNew: Bool, for network: ClientNetwork? = nil) {
        let name = key.fileName
        state.withLock { state in
            let old = state.entries[name]
            guard isNew || old != nil && state.known[name] == nil else { return }
            state.set(name, to: Entry(size: size, lastUse: 0, isChecked: true, network: old == nil ? network : old?.network))
            state.use(name)
            state.known.insert(page, for: name)
        }
    }

    /// Removes pages that there is no room for. A page that replaces one of them between the choice and the removal would be removed in its place.
    private func makeRoom() {
        changing.withLock { _ in remove(state.withLock { surplus($0) }) }
    }

    /// More than necessary, so that this is rarely needed: first pages of networks that have more than a quarter of the store, so that none pushes
    /// out what all others use.
    private func surplus(_ state: State) -> [String] {
        guard state.bytes > maxBytes || state.entries.count > maxPages else { return [] }
        var (bytes, count, shares) = (state.bytes, state.entries.count, state.shares)
        var (names, others): ([String], [(name: String, size: Int64)]) = ([], [])
        func isRoom() -> Bool { bytes <= maxBytes / 10 * 9 && count <= maxPages / 10 * 9 }
        func remove(_ name: String, _ size: Int64) {
            names.append(name)
            (bytes, count) = (bytes - size, count - 1)
        }
        for (name, entry) in state.entries.sorted(by: { $0.value.lastUse < $1.value.lastUse }) where entry.lastUse < state.uses {
            guard !isRoom(), let network = entry.network, shares.full(network, limit: Int(maxBytes / 4), for: 0) != nil else {
                others.append((name, entry.size))
                continue
            }
            remove(name, entry.size)
            shares.giveBack(network, state.share(of: entry))
        }
        for (name, size) in others {
            if isRoom() { break }
            remove(name, size)
        }
        return names
    }

    private static func size(_ name: String, in directory: Descriptor) -> Int64? {
        do throws(Errno) {
            return try directory.openFile(name).fileSize()
        } catch {
            return nil
        }
    }
}
