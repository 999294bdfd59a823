/// The header in which trusted proxies name the client. The other one is not read: a proxy that does not write it passes on whatever its client put
/// there.
package enum ProxyHeader: String, Sendable, CaseIterable {
    case xForwardedFor = "X-Forwarded-For"
    /// RFC 7239
    case forwarded = "Forwarded"
}
