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
/// <directory>/objects/<2 hex>/<64 hex>/<name>       one file for each object: bytes, then footer
/// ```
final class PoolDirectory: Sendable {
    private let uploads: Descriptor
    private let objects: Descriptor
    private let lock: Descriptor
    private let logger: Logger
    /// Whether the files are on another machine, or provided by another process.
    let isOnFileServer: Bool
    /// The two-digit directories whose entry in `objects` is known to be on disk.
    private let durable = Mutex<Set<String>>([])

    /// Creates what is missing, takes the lock, and removes what an earlier process left behind.
    init(_ path: String, logger: Logger) throws {
        self.logger = logger
        let operation = "local.open"
        let root = try Self.explaining("the pool's directory \(path)", operation) {
            try Directories.make(path)
            return try Descriptor(directory: path)
        }
        (lock, objects, uploads) = try Self.explaining("what is in the pool's directory \(path)", operation) {
            let lock = try root.openOrCreateFile("lock")
            guard try lock.lockExclusively() else {
                throw StorageError(.unavailable, "another process uses the directory \(path); give each its own", operation: operation)
            }
            try root.makeDirectory("objects")
            try root.makeDirectory("uploads")
            try root.sync()
            return (lock, try root.openDirectory("objects"), try root.openDirectory("uploads"))
        }
        isOnFileServer = try objects.isOnFileServer()
        let leftovers = try uploads.entries()
        for name in leftovers { try? uploads.remove(name) }
        if !leftovers.isEmpty {
            logger.notice(
                "removed uploads that an earlier process left unfinished", metadata: ["uploads": .stringConvertible(leftovers.count)])
        }
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
        guard try objects.hasPlace(), try uploads.hasPlace() else {
            throw StorageError(
                .unavailable, "the pool's directory was removed; restart the service to create it again", operation: operation)
        }
    }

    // MARK: Objects

    /// - Returns: The object's file and the information in its footer; `nil` if there is no complete object.
    func open(_ key: ObjectKey) throws -> (file: Descriptor, info: ObjectInfo)? {
        do {
            let file = try objects.openDirectory(String(key.hash.prefix(2))).openDirectory(String(key.hash)).openFile(String(key.name))
            guard let info = try ObjectFooter.read(from: file)?.info(for: key) else {
                logger.warning("an object's file is damaged; it is treated as absent", metadata: ["key": "\(key)"])
                return nil
            }
            return (file, info)
        } catch let error as Errno where Self.meansAbsent(error) {
            return nil
        }
    }

    func delete(_ key: ObjectKey) throws {
        do throws(Errno) {
            let prefix = try objects.openDirectory(String(key.hash.prefix(2)))
            let directory = try prefix.openDirectory(String(key.hash))
            try directory.remove(String(key.name))
            // Fails if another name is in it, or an upload has just been published there.
            try? prefix.removeDirectory(String(key.hash))
        } catch {
            guard Self.meansAbsent(error) else { throw error }
        }
    }

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

    /// The directory that an upload's object will be in.
    struct Place: Sendable {
        fileprivate let prefixName: String
        fileprivate let prefix: Descriptor
        fileprivate let name: String
        fileprivate let directory: Descriptor
    }

    /// Makes the directory of an object. Only ``sync(_:)`` lets it survive a crash.
    func makePlace(for key: ObjectKey) throws(Errno) -> Place {
        try outlastingDeletions { () throws(Errno) -> Place in try makePlaceOnce(for: key) }
    }

    private func makePlaceOnce(for key: ObjectKey) throws(Errno) -> Place {
        let (prefixName, name) = (String(key.hash.prefix(2)), String(key.hash))
        try objects.makeDirectory(prefixName)
        let prefix = try objects.openDirectory(prefixName)
        try prefix.makeDirectory(name)
        return Place(prefixName: prefixName, prefix: prefix, name: name, directory: try prefix.openDirectory(name))
    }

    /// Returns once the directory, empty or not, survives a crash.
    func sync(_ place: Place) throws(Errno) {
        try place.prefix.sync()
        if !durable.withLock({ $0.contains(place.prefixName) }) {
            try objects.sync()
            durable.withLock { _ = $0.insert(place.prefixName) }
        }
    }

    /// Removes the directory of an upload that has ended, unless an object is in it.
    func remove(_ place: Place) {
        try? place.prefix.removeDirectory(place.name)
    }

    /// Renames a finished upload to its object's name, in one step. Returns once that survives a crash, if its place does.
    func publish(_ upload: String, as key: ObjectKey, in place: Place) throws(Errno) {
        do throws(Errno) {
            try uploads.rename(upload, to: place.directory, as: String(key.name))
            try place.directory.sync()
        } catch {
            guard error == .noSuchFileOrDirectory else { throw error }
            // A deletion of the same key has removed the directory.
            let place = try outlastingDeletions { () throws(Errno) -> Place in
                let place = try makePlaceOnce(for: key)
                try uploads.rename(upload, to: place.directory, as: String(key.name))
                return place
            }
            try place.directory.sync()
            try sync(place)
        }
    }

    /// Repeats what fails because a deletion has just removed the directory that it was about to use.
    private func outlastingDeletions(_ body: () throws(Errno) -> Place) throws(Errno) -> Place {
        var attempts = 0
        while true {
            do throws(Errno) {
                return try body()
            } catch {
                guard error == .noSuchFileOrDirectory, attempts < 100 else { throw error }
                attempts += 1
            }
        }
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
        for prefix in try names(in: objects) where prefix.utf8.count == 2 && prefix >= first.prefix(2) {
            guard let (directory, hashes) = try reading(&failed, { try contents(of: prefix, in: objects) }) else { continue }
            for hash in hashes where hash.hasPrefix(prefix) && hash >= first {
                guard let (_, names) = try reading(&failed, { try contents(of: hash, in: directory) }) else { continue }
                for name in names {
                    guard let key = ObjectKey("\(hash)/\(name)"), after?.precedes(key) ?? true,
                        let info = try reading(&failed, { try open(key)?.info })
                    else { continue }
                    failed.endRow()
                    page.append(info)
                    if page.count == limit { return page }
                }
            }
        }
        if page.isEmpty, after == nil, let error = failed.first { throw error }
        return page
    }

    private func contents(of name: String, in parent: Descriptor) throws -> (directory: Descriptor, names: [String]) {
        let directory = try parent.openDirectory(name)
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
