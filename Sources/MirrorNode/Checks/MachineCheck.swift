package import MirrorCore
import MirrorEngine
import MirrorServer
import MirrorSettings
import MirrorSystem

/// Checks what a configuration needs from this machine. The same code serves `serve`, which does not start if a finding is fatal, and the
/// commands that check in advance. Changes nothing.
package struct MachineCheck: Sendable {
    private let configuration: Configuration
    private let now: Timestamp

    package init(_ configuration: Configuration, now: Timestamp = SystemClock().now) {
        self.configuration = configuration
        self.now = now
    }

    package func all() -> [Finding] { listeners() + localToken() + service() + state() + configuration.pools.flatMap(pool) + sharedDisks() }

    // MARK: The process

    /// Whether the listeners can be opened now. Not for a process that opens them itself.
    package func listeners() -> [Finding] {
        let main = ListenCheck.finding(configuration.listen, key: "listen")
        let admin = configuration.admin.listen.flatMap { ListenCheck.finding($0, key: "admin.listen") }
        return [main, admin].compactMap(\.self)
    }

    /// Whether the token for commands on this machine can be kept. Not for a process that keeps it and reports failures itself.
    package func localToken() -> [Finding] {
        guard configuration.admin.localToken, let problem = DirectoryCheck(configuration.stateDirectory).problem else { return [] }
        let text = "\(problem): commands on this machine will find no admin token; set stateDirectory, or write `localToken: false`"
        return [Finding(.warning, "admin.localToken", text)]
    }

    /// Certificates and process limits.
    package func service() -> [Finding] {
        var findings = configuration.tls.map { CertificateCheck.findings($0, at: now) } ?? []
        let connections = configuration.server.maxConnections
        // Copies and downloads need descriptors, too.
        if let limit = CurrentProcess.maxDescriptorLimit, limit < connections + 256 {
            findings.append(
                Finding(
                    .warning, "server.maxConnections",
                    "\(connections) connections are allowed, but this account may have only \(limit) files and connections open; "
                        + "raise LimitNOFILE in the unit or `ulimit -Hn`, or lower maxConnections"))
        }
        return findings
    }

    // MARK: State

    package func state() -> [Finding] {
        guard case .sqlite(let path) = configuration.state else { return [] }
        let key = "state.sqlite.path"
        if let problem = DirectoryCheck(Directories.parent(of: path)).problem {
            return [Finding(.fatal, key, "the directory of the state file: \(problem)")]
        }
        for file in [path, "\(path)-wal", "\(path)-shm", "\(path).lock"] {
            if let problem = DirectoryCheck.fileProblem(file) {
                return [Finding(.fatal, key, "the state file \(file) cannot be used: \(problem)")]
            }
        }
        return []
    }

    // MARK: Pools

    /// Empty for a pool that is not on this machine.
    package func pool(_ pool: Configuration.Pool) -> [Finding] {
        guard let directory = pool.directory else { return [] }
        let check = DirectoryCheck(directory)
        let parts = ["files", "uploads"].lazy.compactMap { DirectoryCheck("\(directory)/\($0)").problem }
        let lock = "\(directory)/lock"
        if let problem = check.problem ?? parts.first ?? DirectoryCheck.fileProblem(lock).map({ "\(lock) cannot be used: \($0)" }) {
            return [Finding(.fatal, "pools.\(pool.id).directory", problem)]
        }
        return check.space.map { spaceFindings(pool, "the file system of \(directory)", $0) } ?? []
    }

    private func spaceFindings(_ pool: Configuration.Pool, _ disk: String, _ space: FileSystemSpace) -> [Finding] {
        let key = "pools.\(pool.id).retention"
        let reserve = pool.retention.minFreeBytes
        let usable = space.total - reserve
        let (total, reserved) = (Self.size(space.total), Self.size(reserve))
        var findings: [Finding] = []
        if usable <= 0 {
            findings.append(
                Finding(
                    .error, "\(key).minFreeBytes",
                    "\(disk) has \(total) in total, but \(reserved) must stay free: nothing can be copied; "
                        + "use a larger disk, or lower minFreeBytes"))
        }
        if case .bytes(let limit) = pool.retention.maxBytes, limit > space.total {
            let remedy = usable > 0 ? "set it to at most \(Self.size(usable))" : "use a larger disk"
            findings.append(
                Finding(
                    .warning, "\(key).maxBytes",
                    "\(Self.size(limit)) is more than \(disk) has in total (\(total)): it will be full before the pool is; \(remedy)"))
        }
        if usable > 0, space.free < reserve {
            findings.append(
                Finding(
                    .warning, "\(key).minFreeBytes",
                    "\(disk) has \(Self.size(space.free)) free, less than minFreeBytes (\(reserved)): older replicas are "
                        + "deleted before anything is copied, and nothing is copied when there are none; free some "
                        + "space, or lower minFreeBytes"))
        }
        return findings
    }

    /// Pools that each fit on their file system, but not together; and directories that are the same one through a link.
    package func sharedDisks() -> [Finding] {
        var findings: [Finding] = []
        var disks: [UInt64: (total: Int64, pools: [(id: PoolID, maxBytes: Int64)])] = [:]
        for pool in configuration.pools {
            guard let directory = pool.directory, case .bytes(let maxBytes) = pool.retention.maxBytes else { continue }
            let check = DirectoryCheck(directory)
            guard let device = check.device, let space = check.space, maxBytes <= space.total else { continue }
            disks[device, default: (space.total, [])].pools.append((pool.id, maxBytes))
        }
        for disk in disks.values.sorted(by: { $0.total < $1.total }) where disk.pools.count > 1 {
            let sum = disk.pools.reduce(Int128(0)) { $0 + Int128($1.maxBytes) }
            guard sum > disk.total else { continue }
            let names = disk.pools.map(\.id.description).joined(separator: ", ")
            findings.append(
                Finding(
                    .warning, "pools",
                    "\(names) are on the same file system and may hold \(Self.size(Int64(clamping: sum))) together, but it has "
                        + "\(Self.size(disk.total)) in total; lower maxBytes"))
        }
        return findings + sameDirectories()
    }

    private func sameDirectories() -> [Finding] {
        var seen: [(id: PoolID, path: String)] = []
        var findings: [Finding] = []
        for pool in configuration.pools {
            guard let directory = pool.directory, let path = RealPath.resolve(directory) else { continue }
            if let other = seen.first(where: { $0.path == path || $0.path.isPath(below: path) || path.isPath(below: $0.path) }) {
                findings.append(
                    Finding(
                        .fatal, "pools.\(pool.id).directory",
                        "\(directory) resolves to \(path), which is also the directory of the pool \(other.id), or one is inside "
                            + "the other; give each pool a directory of its own"))
            }
            seen.append((pool.id, path))
        }
        return findings
    }

    private static func size(_ bytes: Int64) -> String { ByteSizeFormat.rounded(bytes) }
}
