/// Where a listener binds: `127.0.0.1:8080`, `[::]:8080`, `localhost:8080`.
package struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
    /// A name or an address; an IPv6 address without its brackets.
    package var host: String
    /// 0 lets the system choose.
    package var port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// - Returns: `nil` unless the text is `host:port`, where the host is an IPv4 address, a bracketed IPv6 address or a host name.
    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        guard digits.utf8.count <= 5, let port = Int(digits: digits), port <= 65_535 else { return nil }
        let hostText = text[..<colon]
        if hostText.hasPrefix("["), hostText.hasSuffix("]") {
            guard let address = IPAddress(String(hostText.dropFirst().dropLast())), address.isIPv6 else { return nil }
            host = address.description
        } else {
            // The strict parser of artifact URLs checks the host.
            guard !hostText.contains(where: { "/?#[]".contains($0) }), let url = try? ArtifactURL("http://\(hostText)/"), url.port == 80
            else { return nil }
            host = url.host
        }
        self.port = port
    }

    package var description: String { host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
