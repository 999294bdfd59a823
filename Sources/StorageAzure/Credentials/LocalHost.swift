import MirrorCore

/// Hosts that are reached without leaving the machine or its hypervisor: nobody else can read what is sent there without TLS.
enum LocalHost {
    static func isThisMachine(_ host: String) -> Bool { host == "localhost" || isIn(["127.0.0.0/8", "::1"], host) }

    /// The address of the cloud's agents.
    static func isLinkLocal(_ host: String) -> Bool { isIn(["169.254.0.0/16"], host) }

    private static func isIn(_ networks: [String], _ host: String) -> Bool {
        guard let address = IPAddress(host) else { return false }
        return networks.contains { IPNetwork($0)?.contains(address.unmapped) == true }
    }
}
