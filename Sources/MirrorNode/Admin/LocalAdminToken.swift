import Logging
import Synchronization

/// An admin token that a service makes up for commands on its machine, and keeps in a file of its state directory.
///
/// Whoever may read the file may make admin calls: the account of the service, and root. Each process has its own, in a file that is named for
/// where it listens, so that several may have one state directory.
final class LocalAdminToken: Sendable {
    private struct State {
        /// Once the process takes admin calls.
        var file: AdminTokenFile?
        var isKept = false
    }

    let value = AdminTokenFile.makeToken()

    private let directory: String
    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameter directory: Is made when the file is.
    init(in directory: String, logger: Logger) {
        self.directory = directory
        self.logger = logger
    }

    /// The file; `nil` where there is none.
    var path: String? { state.withLock { $0.isKept ? $0.file?.path : nil } }

    /// Keeps the token, or does not, for the process that takes admin calls at an address from now on.
    func keep(_ isWanted: Bool, for address: ListenAddress) {
        state.withLock { $0.file = AdminTokenFile(in: directory, for: address) }
        keep(isWanted)
    }

    /// Writes the file, also where it is already: who has removed it, or let others read it, has it mended by a reload. Or removes it.
    ///
    /// A file that cannot be written keeps nothing from being served.
    func keep(_ isWanted: Bool) {
        let (file, wasKept) = state.withLock { ($0.file, $0.isKept) }
        guard let file else { return }
        let isKept = isWanted && write(file, isNews: !wasKept)
        // Also what an earlier process has left.
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
