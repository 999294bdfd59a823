package import Logging
package import MirrorCore
package import MirrorStorage
import MirrorSystem

/// A pool in a directory on this machine.
///
/// An object appears when a file that is already on disk is renamed, so that a crash at any moment leaves the whole object or none.
/// See docs/storage-backends.md for the layout.
package struct LocalStore: TimedStore {
    let path: String
    let region: String
    let minFreeBytes: Int64
    let directory: PoolDirectory
    let threads: FileThreads
    let clock: any WallClock
    package let capabilities: StoreCapabilities

    /// Opens the directory: creates what is missing, locks it, and removes unfinished uploads of an earlier process.
    ///
    /// - Parameter path: The directory's path; no other process may use it at the same time.
    /// - Parameter region: The pool's region: the word between `/local/` and the key in locations.
    /// - Parameter minFreeBytes: Bytes to keep free on the file system; uploads that would need them are refused with `.full`.
    /// - Parameter threads: Where file system calls block; used by no other pool.
    /// - Throws: ``StorageError``, naming the directory: `.unavailable` if another process holds it, `.permissionDenied`, `.full`, `.timedOut` if
    ///   the disk hangs.
    package static func open(
        directory path: String, region: String, minFreeBytes: Int64, threads: FileThreads = FileThreads(),
        clock: any WallClock = SystemClock(), logger: Logger = Logger(label: "cloud-mirror.local")
    ) async throws -> LocalStore {
        let message = "the pool's directory \(path) does not answer: its disk or file server hangs"
        let directory = try await threads.run("local.open", within: openLimit, saying: message) {
            try PoolDirectory(path, logger: logger)
        }
        var capabilities = Self.capabilities
        // The kernel would read in the thread of a connection, and block many other connections if the server does not answer.
        if directory.isOnFileServer { capabilities.features.remove(.opensFiles) }
        return LocalStore(
            path: path, region: region, minFreeBytes: minFreeBytes, directory: directory, threads: threads, clock: clock,
            capabilities: capabilities)
    }

    /// Longer than for other calls, because there may be many unfinished uploads to remove.
    static let openLimit = Duration.seconds(60)
    static let limits = TimeoutStore.Limits.standard

    /// The capabilities of a directory on a local disk.
    package static let capabilities = StoreCapabilities(
        features: [.parallelParts, .readsUploads, .servedByMirror, .opensFiles, .listsMetadata, .keepsDigestOfParts, .keepsUpstreamQuery])

    package func head(_ key: ObjectKey) async throws -> ObjectInfo {
        try await threads.run("local.head", within: Self.limits.call) { try open(key, operation: "local.head").info }
    }

    package func get(_ key: ObjectKey, range: ByteRange?) async throws -> ObjectContent {
        let operation = "local.get"
        let (file, info) = try await threads.run(operation, within: Self.limits.call) { try open(key, operation: operation) }
        guard let range else {
            let reader = FileReader(file, from: 0, to: info.size, threads: threads, operation: operation)
            return ObjectContent(info: info, range: nil, body: ByteStream(reader))
        }
        guard let held = range.clamped(toSize: info.size) else {
            throw StorageError(.invalidRequest, "the range begins beyond the object's end", operation: operation)
        }
        let reader = FileReader(file, from: held.offset, to: held.end, threads: threads, operation: operation)
        return ObjectContent(info: info, range: held, body: ByteStream(reader))
    }

    package func openFile(_ key: ObjectKey) async throws -> ObjectFile {
        guard capabilities.features.contains(.opensFiles) else {
            throw StorageError(.unsupported, "files of a file server are not sent by the kernel", operation: "local.openFile")
        }
        return try await threads.run("local.openFile", within: Self.limits.call) {
            let (file, info) = try open(key, operation: "local.openFile")
            return ObjectFile(info: info, owning: try file.duplicate())
        }
    }

    package func beginUpload(_ key: ObjectKey, metadata: ObjectMetadata, expectedSize: Int64?) async throws -> any ObjectUpload {
        let operation = "local.beginUpload"
        if let size = expectedSize, (0...SmallUpload.maxSize).contains(size) {
            return SmallUpload(store: self, key: key, metadata: metadata, expectedSize: size)
        }
        return try await threads.run(operation, within: Self.limits.call) {
            guard (expectedSize ?? 0) >= 0 else { throw StorageError(.invalidRequest, "a size cannot be negative", operation: operation) }
            // Stated bytes are not taken yet, and existing objects may be deleted meanwhile. So only a size that can never fit is refused.
            let (total, kept) = (try directory.space.total, minFreeBytes)
            guard total >= kept, total - kept >= expectedSize ?? 0 else {
                throw StorageError(
                    .full,
                    "\(expectedSize ?? 0) bytes do not fit on the file system, which has \(total), of which \(kept) must stay free",
                    operation: operation)
            }
            try checkSpace(for: 0, operation: operation)
            return try LocalUpload(store: self, key: key, metadata: metadata, expectedSize: expectedSize)
        }
    }

    package func delete(_ key: ObjectKey) async throws {
        try await threads.run("local.delete", within: Self.limits.call) { try directory.delete(key) }
    }

    package func list(after: ObjectKey?, limit: Int) async throws -> [ObjectInfo] {
        guard (1...1000).contains(limit) else {
            throw StorageError(.invalidRequest, "a page has 1 to 1000 objects", operation: "local.list")
        }
        return try await threads.run("local.list", within: Self.limits.call) {
            // Otherwise the listing would be empty, as if there had never been an object.
            try directory.checkPlace(operation: "local.list")
            return try directory.list(after: after, limit: limit)
        }
    }

    package func location(of key: ObjectKey, life: Duration) async throws -> ObjectLocation {
        ObjectLocation(url: "/local/\(region)/\(key.percentEncoded)")
    }

    package func space() async throws -> StoreSpace? {
        try await threads.run("local.space", within: Self.limits.call) {
            let space = try directory.space
            return StoreSpace(total: space.total, free: space.free, kept: minFreeBytes)
        }
    }

    /// Creates and removes a file, and checks that the disk is large enough.
    ///
    /// Little free space is not a fault: the least recently used replicas are deleted before the next copy.
    package func checkHealth() async throws {
        let operation = "local.checkHealth"
        do {
            try await threads.run(operation, within: Self.limits.call) {
                try directory.checkPlace(operation: operation)
                guard try directory.space.total > minFreeBytes else {
                    throw StorageError(
                        .full,
                        "the file system is not larger than the \(minFreeBytes) bytes that must stay free on it; use a larger one, or lower minFreeBytes",
                        operation: operation)
                }
                let probe = LocalUpload.randomName()
                defer { directory.removeUpload(probe) }
                _ = try directory.createUpload(probe)
            }
        } catch var error as StorageError {
            error.message = "pool local/\(region) in \(path): \(error.message)"
            throw error
        }
    }

    /// Whether the configured number of bytes would stay free.
    func hasSpace(for bytes: Int64) throws -> Bool {
        let (free, kept) = (try directory.space.free, minFreeBytes)
        return free >= kept && free - kept >= bytes
    }

    /// - Throws: `.full` if fewer than the configured bytes would stay free.
    func checkSpace(for bytes: Int64, operation: String) throws {
        guard try !hasSpace(for: bytes) else { return }
        let (free, kept) = (try directory.space.free, minFreeBytes)
        var error = StorageError(
            .full,
            "the file system is full: it has \(free) bytes free, of which \(kept) must stay free; free space or shorten the retention",
            operation: operation)
        let (wanted, overflow) = bytes.addingReportingOverflow(kept)
        error.missingBytes = overflow ? .max : max(wanted - free, 1)
        throw error
    }

    /// What is written behind the bytes of an object that is complete now, and what it says.
    func describe(
        _ key: ObjectKey, size: Int64, sha256: Digest, _ metadata: ObjectMetadata, operation: String
    ) throws -> (ObjectFooter, ObjectInfo) {
        let footer = ObjectFooter(key: key, size: size, sha256: sha256, lastModified: clock.now, metadata: metadata)
        guard let info = footer.info(for: key) else {
            throw StorageError(.invalidRequest, "the digest is not a SHA-256", operation: operation)
        }
        return (footer, info)
    }

    /// Reserves blocks of a file; those ahead only if there is space for them, too.
    ///
    /// - Returns: The end of the reserved blocks.
    /// - Throws: `.full`.
    func reserve(_ file: Descriptor, from start: Int64, to needed: Int64, ahead: Int64, operation: String) throws -> Int64 {
        let end = try hasSpace(for: ahead - start) ? ahead : needed
        try checkSpace(for: end - start, operation: operation)
        try file.reserveBlocks(offset: start, length: end - start)
        return end
    }

    private func open(_ key: ObjectKey, operation: String) throws -> (file: Descriptor, info: ObjectInfo) {
        guard let object = try directory.open(key) else {
            throw StorageError(.notFound, "no object \(key)", operation: operation)
        }
        return object
    }
}
