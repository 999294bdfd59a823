package import MirrorSettings

extension RedirectConfiguration {
    private static let maxClients = 100
    private static let hopLength = SettingKind<Duration>.duration(in: .seconds(1)...minutes(10))
    /// Clients follow at most about fifty redirects.
    private static let hopCount = SettingKind<Int>.integer(in: 0...50)

    package init(_ reader: SettingsReader) {
        self.init()
        reader.value(
            "maxWait", &maxWait, .duration(in: .zero...hours(1)),
            doc:
                "How long a request waits for a copy, over all its hops, before it is redirected to the origin. No single answer is "
                + "delayed that long: see `hop`.")
        reader.value(
            "hop", &hop, Self.hopLength,
            doc:
                "How long one answer is delayed for a client that is in neither `clients` nor the built-in table; then the client is "
                + "redirected to this service again. Keep this below the timeouts of clients and proxies.")
        reader.value(
            "hops", &hops, Self.hopCount,
            doc: "How often such a client is redirected to this service again before it is redirected to the origin.")
        reader.sectionList(
            "clients", type: "list of {userAgent, hop, hops}", example: "[{userAgent: my-downloader/, hop: 50s, hops: 3}]",
            doc:
                "The same for clients that are recognized by the beginning of a word in their `User-Agent`, ignoring case. The first entry "
                + "that matches decides; these entries are tried before the built-in table (docs/request-handling.md)."
        ) { section in
            let userAgent = section.required("userAgent", .userAgent, example: "my-downloader/", doc: "")
            var patience = Patience(hop: hop, hops: hops)
            section.value("hop", &patience.hop, Self.hopLength, doc: "")
            section.value("hops", &patience.hops, Self.hopCount, doc: "")
            guard let userAgent else { return }
            clients.append(ClientTable.Family(userAgent: userAgent, patience: patience))
            if clients.count == Self.maxClients + 1 {
                section.report("exceeds the limit of \(Self.maxClients) entries", key: "userAgent")
            }
        }
        reader.value(
            "waitLimit", &waitLimit, .duration(in: .zero...hours(1)), doc: "The longest wait that a request may ask for with `?wait=`.")
        reader.value(
            "lookLimit", &lookLimit, .duration(in: .milliseconds(100)...minutes(1)),
            doc:
                "How long the state, the pool and the credentials may take to determine the answer before a request is redirected to "
                + "the origin. A pool that does not answer for this long is not consulted for client requests until it answers again.")
        reader.value(
            "negativeLife", &negativeLife, .duration(in: .zero...hours(24)),
            doc: "How long an origin's refusal (404, 403, …) is passed on to clients without asking the origin again.")
        reader.value(
            "maxWaiting", &maxWaiting, .integer(in: 0...1_000_000),
            doc:
                "Requests that may wait at the same time, at most a quarter of them from one client network and three quarters from "
                + "one IPv6 /48. Further requests are redirected to the origin at once.")
        reader.value(
            "memory", &memory, .size(in: (1 << 20)...(16 << 30)),
            doc:
                "Memory for answers to hot requests, taken as it is filled. A replica whose URL has 100 bytes takes at most 250, so the "
                + "default holds a million. If there are more, the ones in use stay in memory, and the others are looked up in the state."
        )
        reader.section(
            "coldClaims",
            doc:
                "How much one client network (an IPv4 address, or the /64 of an IPv6 address, determined as for `selection`) may request "
                + "that is not in the pool yet; an IPv6 /48 may request three times as much. Beyond that, the client is redirected to the "
                + "origin at once. Artifacts that are in the pool, or are already being copied for another client, cost nothing."
        ) { section in
            section.value(
                "perSecond", &coldClaims.perSecond, .integer(in: 0...1_000_000),
                doc: "Artifacts per second, in the long run; 0 sets no limit.")
            section.value(
                "burst", &coldClaims.burst, .integer(in: 1...10_000_000),
                doc:
                    "Artifacts that a network may request at once after a quiet period: as many as a large build behind one address "
                    + "needs.")
            section.value(
                "bytesPerMinute", &coldClaims.bytesPerMinute, .size(in: 0...(1 << 50)),
                doc:
                    "Bytes per minute of the copies that a network has started, of the pages that the mirror has fetched for it, and of "
                    + "artifacts that the mirror itself sends it in place of a pool. A copy is charged when it is done; a network that has "
                    + "exceeded the limit may not start more copies, and is sent no artifacts, until it is within the limit again. 0B sets "
                    + "no limit.")
        }
        reader.value("status", &status, .choice(), doc: "The status of a redirect.")
    }
}
