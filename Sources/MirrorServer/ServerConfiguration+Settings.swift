package import MirrorSettings

extension ServerConfiguration {
    package init(_ reader: SettingsReader) {
        self.init()
        reader.value(
            "maxConnections", &maxConnections, .integer(in: 1...1_000_000),
            doc: "Maximum number of open connections; further ones have to wait.")
        reader.value(
            "maxConnectionsPerAddress", &maxConnectionsPerAddress, .integer(in: 1...1_000_000),
            defaultNote: "a quarter of maxConnections", example: "2500",
            doc:
                "How many of these connections one client may have: an IPv4 address, or an IPv6 /64; an IPv6 /48 may have three times "
                + "as many. Further ones are closed at once. This machine and `selection.trustedProxies` may have all of them.")
        reader.value(
            "maxRelays", &maxRelays, .integer(in: 1...10_000),
            doc:
                "How many answers of one origin may be passed on to clients at the same time, as they arrive; further requests wait. The "
                + "mirror opens a third more connections to an origin, for pages.")
        reader.value(
            "maxRelaysPerAddress", &maxRelaysPerAddress, .integer(in: 1...10_000), defaultNote: "a quarter of what all clients may be sent",
            example: "24",
            doc:
                "How many of these answers one client may be sent at the same time, and as many objects of the pools of one service; "
                + "clients and an IPv6 /48 count as for `maxConnectionsPerAddress`. Raise it if many clients come through one address.")
        reader.value(
            "idleTimeout", &idleTimeout, .duration(in: .seconds(1)...hours(1)),
            doc: "How long a client may neither send a request nor read what it was sent before its connection is closed.")
        reader.value(
            "bodyTimeout", &bodyTimeout, .duration(in: .seconds(1)...hours(1)),
            doc: "How long a client may take to send the body of a request, plus a second for each 16 KiB of it.")
        reader.value(
            "maxHeaderBytes", &maxHeaderBytes, .size(in: (8 << 10)...(64 << 10)),
            doc: "Maximum size of a request's first line and header fields together.")
        reader.value(
            "proxyProtocol", &proxyProtocol, .boolean,
            doc:
                "Expect each connection to `listen` to begin with a PROXY protocol header (version 1 or 2), which names the client, and "
                + "accept connections only from `selection.trustedProxies`. `admin.listen` does not expect it.")
        reader.value(
            "shutdownGrace", &shutdownGrace, .duration(in: .zero...hours(1)),
            doc: "How long requests and copies in progress may continue after the service is told to stop.")
    }
}
