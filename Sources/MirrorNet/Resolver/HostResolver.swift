package import MirrorCore

/// Turns a host name into addresses. (NIO has a `Resolver` of its own.)
package protocol HostResolver: Sendable {
    /// All addresses of a name, IPv4 and IPv6, in the order in which they should be tried.
    ///
    /// - Throws: ``OutboundError`` with the code ``OutboundError/Code/unresolvable`` when the name has none, or
    ///   ``OutboundError/Code/timedOut`` when no name server answered in time.
    func addresses(of name: String) async throws -> [IPAddress]
}
