public import MirrorCore
public import MirrorStorage

extension WebDAVStore {
    /// Collections of sidecars that are read at the same time, at most.
    private static let collections = 16

    /// Reads the names of sidecars, collection by collection, and then the sidecars that the page needs.
    public func list(after: ObjectKey?, limit: Int) async throws -> [ObjectInfo] {
        guard (1...1000).contains(limit) else {
            throw StorageError(.invalidRequest, "a page has 1 to 1000 objects", operation: "\(WebDAVService.name).list")
        }
        let first = after.map { String($0.hash) } ?? ""
        var prefixes = try await client.names(in: PoolLayout.sidecars)
            .filter { PoolLayout.isPrefix($0) && $0 >= first.prefix(2) }
            .sorted()[...]
        var page: [ObjectInfo] = []
        // One, if that has enough; more and more where there is little.
        var width = 1
        while page.count < limit, !prefixes.isEmpty {
            var hashes = try await sidecarHashes(Array(prefixes.prefix(width)), from: first)[...]
            prefixes = prefixes.dropFirst(width)
            width = min(2 * width, Self.collections)
            while page.count < limit, !hashes.isEmpty {
                let needed = limit - page.count
                let objects = try await Array(hashes.prefix(needed)).concurrentMap(width: Self.width) { hash in
                    try await object(sidecar: PoolLayout.sidecar(hash: hash))
                }
                hashes = hashes.dropFirst(needed)
                page += objects.compactMap { $0 }.filter { after?.precedes($0.key) ?? true }
            }
        }
        return page
    }

    /// In their order, which is that of the keys.
    private func sidecarHashes(_ prefixes: [String], from first: String) async throws -> [String] {
        let names = try await prefixes.concurrentMap(width: Self.collections) { prefix in
            try await client.names(in: PoolLayout.collection(ofSidecars: prefix))
                .compactMap { PoolLayout.hash(ofSidecar: $0) }
                // A collection holds no others, unless somebody has put them there.
                .filter { $0.hasPrefix(prefix) && $0 >= first }
                .sorted()
        }
        return names.flatMap { $0 }
    }
}
