package import MirrorCore

/// Turns a host name into addresses. (The name `Resolver` is taken by NIO.)
package protocol HostResolver: Sendable {
    /// All addresses of a name, IPv4 and IPv6, in the order in which they should be tried.
    ///
    /// - Throws: ``OutboundError`` with the code ``OutboundError/Code/unresolvable`` if the name has none, or
    ///   ``OutboundError/Code/timedOut`` if no name server answered in time.
    func addresses(of name: String) async throws -> [IPAddress]
}
