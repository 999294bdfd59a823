import Logging
import MirrorCore
import MirrorStorage
import MirrorSystem
import Synchronization

/// The files of a local pool; every method blocks.
///
/// ```
/// <directory>/lock                                  held while a process uses the directory
/// <directory>/uploads/<random>.part                 an upload in progress; removed when the pool is opened
/// <directory>/files/<2 hex>/<64 hex>                one file for each object: bytes, then footer
/// ```
///
/// The two-digit directories are made when the pool is opened.
final class PoolDirectory: Sendable {
    private let uploads: Descriptor
    private let files: Descriptor
    private let lock: Descriptor
    private let logger: Logger
    /// Whether the files are on another machine, or provided by another process.
    let isOnFileServer: Bool
    /// Whether the names of the two-digit directories are on disk. Held while one is made, so that nobody publishes in it before its name is.
    private let isSynced = Mutex(true)

    /// Creates what is missing, takes the lock, and removes what an earlier process left behind.
    init(_ path: String, logger: Logger) throws {
        self.logger = logger
        let operation = "local.open"
        let root = try Self.explaining("the pool's directory \(path)", operation) {
            try Directories.make(path)
            return try Descriptor(directory: path)
        }
        let moved: Int
        (lock, files, uploads, moved) = try Self.explaining("what is in the pool's directory \(path)", operation) {
            let lock = try root.openOrCreateFile("lock")
            guard try lock.lockExclusively() else {
                throw StorageError(.unavailable, "another process uses the directory \(path); give each its own", operation: operation)
            }
            try root.makeDirectory("files")
            try root.makeDirectory("uploads")
            try root.sync()
            let files = try root.openDirectory("files")
            let moved = try EarlierLayout.move(from: root, to: files)
            try PoolDirectory.makePrefixes(in: files)
            return (lock, files, try root.openDirectory("uploads"), moved)
        }
        if moved > 0 { logger.notice("moved objects to where this version keeps them", metadata: ["objects": .stringConvertible(moved)]) }
        isOnFileServer = try files.isOnFileServer()
        let leftovers = try uploads.entries()
        for name in leftovers { try? uploads.remove(name) }
        if !leftovers.isEmpty {
            logger.notice(
                "removed uploads that an earlier process left unfinished", metadata: ["uploads": .stringConvertible(leftovers.count)])
        }
    }

    /// Makes the two-digit directories that are missing, so that no upload waits for one. Returns once their names survive a crash.
    private static func makePrefixes(in files: Descriptor) throws(Errno) {
        let present = Set(try files.entries())
        for byte in 0...UInt8.max {
            let name = Hex.encode([byte])
            guard !present.contains(name) else { continue }
            do throws(Errno) {
                try files.makeDirectory(name)
            } catch {
                // On a full disk, it is made when an object needs it.
                guard error == .noSpace || error == .diskQuotaExceeded else { throw error }
            }
        }
        try files.sync()
    }

    /// Names the path in an error for the operator who configured it.
    private static func explaining<Result>(_ what: String, _ operation: String, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as Errno {
            var explained = StorageError(error, operation: operation)
            explained.message = "cannot use \(what): \(error)"
            throw explained
        }
    }

    var space: FileSystemSpace {
        get throws { try uploads.space() }
    }

    /// - Throws: ``StorageError`` if the directories were removed while the pool is open.
    func checkPlace(operation: String) throws {
        guard try files.hasPlace(), try uploads.hasPlace() else {
            throw StorageError(
                .unavailable, "the pool's directory was removed; restart the service to create it again", operation: operation)
        }
    }

    // MARK: Objects

    /// - Returns: The object's file and the information in its footer; `nil` if there is no complete object.
    func open(_ key: ObjectKey) throws -> (file: Descriptor, info: ObjectInfo)? {
        do {
            guard let object = try open(String(key.hash), in: files.openDirectory(Self.prefix(of: key))), object.info.key == key else {
                return nil
            }
            return object
        } catch let error as Errno where Self.meansAbsent(error) {
            return nil
        }
    }

    private func open(_ hash: String, in prefix: Descriptor) throws -> (file: Descriptor, info: ObjectInfo)? {
        let file = try prefix.openFile(hash)
        guard let footer = try ObjectFooter.read(from: file), let key = ObjectKey(footer.key), key.hash == hash,
            let info = footer.info(for: key)
        else {
            logger.warning("an object's file is damaged; it is treated as absent", metadata: ["file": "\(hash.prefix(2))/\(hash)"])
            return nil
        }
        return (file, info)
    }

    func delete(_ key: ObjectKey) throws {
        do throws(Errno) {
            try files.openDirectory(Self.prefix(of: key)).remove(String(key.hash))
        } catch {
            guard Self.meansAbsent(error) else { throw error }
        }
    }

    private static func prefix(of key: ObjectKey) -> String { String(key.hash.prefix(2)) }

    /// A symbolic link (ELOOP), or a file in the place of a directory (ENOTDIR), was not created by the store and contains no object.
    private static func meansAbsent(_ error: Errno) -> Bool {
        error == .noSuchFileOrDirectory || error == .tooManySymbolicLinkLevels || error == .notDirectory
    }

    // MARK: Uploads

    func createUpload(_ name: String) throws -> Descriptor {
        try uploads.createFile(name)
    }

    func removeUpload(_ name: String) {
        try? uploads.remove(name)
    }

    /// Syncs the file of a finished upload, and renames it to its object's name, in one step. Returns once that survives a crash.
    ///
    /// - Parameter confirm: Called just before the rename; if it throws, nothing is published.
    func publish(_ file: Descriptor, of upload: String, as key: ObjectKey, confirm: () throws -> Void) throws {
        try file.sync()
        let prefix = try openPrefix(of: key)
        try confirm()
        try uploads.rename(upload, to: prefix, as: String(key.hash))
        try prefix.sync()
    }

    /// Opens the directory that an object will be in, and makes it again if it was taken away. Returns once its name survives a crash.
    private func openPrefix(of key: ObjectKey) throws(Errno) -> Descriptor {
        let name = Self.prefix(of: key)
        try isSynced.withLock { isSynced throws(Errno) in
            if try files.makeDirectory(name) { isSynced = false }
            if !isSynced { try files.sync() }
            isSynced = true
        }
        return try files.openDirectory(name)
    }

    // MARK: Listing

    /// At most `limit` objects after `after`, in the order of keys; holds the names in only one two-digit directory at a time.
    ///
    /// What cannot be read is left out: one bad place on a disk must not hide what is behind it.
    ///
    /// - Throws: If many places in a row cannot be read, or if nothing was found because of that: the pool must not look empty.
    func list(after: ObjectKey?, limit: Int) throws -> [ObjectInfo] {
        var page: [ObjectInfo] = []
        var failed = FailedLooks()
        let first = after.map { String($0.hash) } ?? ""
        for prefix in try names(in: files) where prefix.utf8.count == 2 && prefix >= first.prefix(2) {
            guard let (directory, hashes) = try reading(&failed, { try contents(of: prefix) }) else { continue }
            for hash in hashes where hash.hasPrefix(prefix) && hash >= first {
                guard let info = try reading(&failed, { try open(hash, in: directory)?.info }), after?.precedes(info.key) ?? true else {
                    continue
                }
                failed.endRow()
                page.append(info)
                if page.count == limit { return page }
            }
        }
        if page.isEmpty, after == nil, let error = failed.first { throw error }
        return page
    }

    private func contents(of prefix: String) throws -> (directory: Descriptor, names: [String]) {
        let directory = try files.openDirectory(prefix)
        return (directory, try names(in: directory))
    }

    private func names(in directory: Descriptor) throws -> [String] {
        try directory.entries().sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// - Returns: `nil` for what is absent or cannot be read.
    private func reading<Result>(_ failed: inout FailedLooks, _ read: () throws -> Result?) throws -> Result? {
        do {
            return try read()
        } catch let error as Errno where Self.meansAbsent(error) {
            return nil
        } catch {
            try failed.add(error)
            return nil
        }
    }
}
