import Synchronization

/// The hosts that origins redirect to and that are not allowed: so many of them that the operator sees what to allow, and no more.
final class RefusedRedirects: Sendable {
    static let maxHosts = 100

    private let hosts = Mutex<Set<String>>([])

    /// - Returns: The host, or `other` where there are too many; and whether it is the first time that it is seen.
    func note(_ host: String) -> (label: String, isNew: Bool) {
        hosts.withLock { hosts in
            if hosts.contains(host) { return (host, false) }
            guard hosts.count < Self.maxHosts else { return ("other", false) }
            hosts.insert(host)
            return (host, true)
        }
    }
}
