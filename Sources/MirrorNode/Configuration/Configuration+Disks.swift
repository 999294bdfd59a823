import MirrorCore
import MirrorEngine
import MirrorSettings
import MirrorSystem

extension Configuration {
    /// How many bytes a pool may hold on this machine; `nil` means no limit.
    ///
    /// Local pools without a configured limit share their file system with one another.
    package func maxBytes(of pool: Pool) -> Int64? {
        switch pool.retention.maxBytes {
        case .none: return nil
        case .bytes(let bytes): return bytes
        case .shareOfDisk:
            guard let disk = pool.disk, let device = disk.device, let space = disk.space else { return nil }
            let sharing = pools.count { $0.retention.maxBytes == .shareOfDisk && $0.disk?.device == device }
            return max(space.total / 100 * RetentionConfiguration.shareOfDisk / Int64(max(sharing, 1)), 1)
        }
    }

    /// Which pools have a share of their file system, as sentences for the log.
    package var sharesOfDisks: [String] {
        pools.compactMap { pool in
            guard pool.retention.maxBytes == .shareOfDisk, let bytes = maxBytes(of: pool) else { return nil }
            return
                "\(pool.id) may hold \(ByteSizeFormat.rounded(bytes)), its share of \(RetentionConfiguration.shareOfDisk)% of the file system (retention.maxBytes)"
        }
    }
}

extension Configuration.Pool {
    fileprivate var disk: DirectoryCheck? {
        directory.map { DirectoryCheck($0) }
    }
}
