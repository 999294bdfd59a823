/// Where trusted proxies say for whom a request is. The other of the two is not read: a proxy that does not write it passes on what its client has put there.
package enum ProxyHeader: String, Sendable, CaseIterable {
    case xForwardedFor = "X-Forwarded-For"
    /// RFC 7239
    case forwarded = "Forwarded"
}
