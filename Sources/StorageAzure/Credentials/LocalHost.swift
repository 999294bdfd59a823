import MirrorCore

/// Hosts that are reached without leaving the machine, or its hypervisor: what is sent there without TLS is seen by nobody else.
enum LocalHost {
    static func isThisMachine(_ host: String) -> Bool { host == "localhost" || isIn(["127.0.0.0/8", "::1"], host) }

    /// Where agents of the cloud are.
    static func isLinkLocal(_ host: String) -> Bool { isIn(["169.254.0.0/16"], host) }

    private static func isIn(_ networks: [String], _ host: String) -> Bool {
        guard let address = IPAddress(host) else { return false }
        return networks.contains { IPNetwork($0)?.contains(address.unmapped) == true }
    }
}
