import Logging
import MirrorCore
import Synchronization

/// An admin token that a service generates for commands on its machine and keeps in a file in its state directory.
///
/// Only accounts that can read the file can make admin calls: the service's own account, and root. Each process has its own file, named after
/// the address where it listens, so several processes can share a state directory.
final class LocalAdminToken: Sendable {
    private struct State {
        /// `nil` until the process accepts admin calls.
        var file: AdminTokenFile?
        var isKept = false
    }

    let value = AdminTokenFile.makeToken()

    private let directory: String
    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameter directory: Created together with the file.
    init(in directory: String, logger: Logger) {
        self.directory = directory
        self.logger = logger
    }

    /// The file; `nil` if there is none.
    var path: String? { state.withLock { $0.isKept ? $0.file?.path : nil } }

    /// Writes or removes the token file of the process that accepts admin calls at an address from now on.
    func keep(_ isWanted: Bool, for address: ListenAddress) {
        state.withLock { $0.file = AdminTokenFile(in: directory, for: address) }
        keep(isWanted)
    }

    /// Writes the file, even if it exists, so that a reload restores a file that was removed or that others could read; or removes it.
    ///
    /// If the file cannot be written, the service still runs.
    func keep(_ isWanted: Bool) {
        let (file, wasKept) = state.withLock { ($0.file, $0.isKept) }
        guard let file else { return }
        let isKept = isWanted && write(file, isNews: !wasKept)
        // Also a file that an earlier process left behind.
        if !isWanted { file.remove() }
        state.withLock { $0.isKept = isKept }
    }

    private func write(_ file: AdminTokenFile, isNews: Bool) -> Bool {
        do {
            try file.write(value)
            if isNews { logger.notice("an admin token for commands on this machine is in a file", metadata: ["file": "\(file.path)"]) }
            return true
        } catch {
            logger.warning(
                "the file with an admin token for commands on this machine cannot be written",
                metadata: ["file": "\(file.path)", "reason": "\(error.reason)"])
            return false
        }
    }
}
