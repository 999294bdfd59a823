import MirrorCore
package import MirrorSettings

extension CopyConfiguration {
    package init(_ reader: SettingsReader) {
        self.init()
        reader.value("concurrency", &concurrency, .integer(in: 1...1_024), doc: "Maximum number of copies in progress at the same time.")
        reader.value(
            "maxPerOrigin", &maxPerOrigin, .integer(in: 1...1_024), defaultNote: "half of concurrency", example: "8",
            doc:
                "How many of these copies may be from one origin (scheme, host and port), so that a slow origin does not hold up the "
                + "others.")
        reader.value(
            "minRate", &minRate, .size(in: 0...(1 << 30)),
            doc:
                "Bytes per second that an origin must send over `minRateWindow`. After two windows the average must be twice that, "
                + "after three windows three times, and so on. A slower copy gives up its slot; 0B lets every copy keep its slot.")
        reader.value(
            "minRateWindow", &minRateWindow, .duration(in: .seconds(1)...hours(1)), doc: "The period over which the rate is measured.")
        reader.value(
            "slowConcurrency", &slowConcurrency, .integer(in: 0...1_024),
            doc:
                "Slow copies that may continue in addition to `concurrency` others. When there are more and other copies are waiting, "
                + "the slowest is postponed.")
        reader.value(
            "partSize", &partSize, .size(in: (1 << 20)...(1 << 30)),
            doc:
                "Bytes that are fetched and stored at a time. For object storage it is at most an eighth of `memory`, and at least "
                + "the smallest part that the service accepts."
        )
        reader.value(
            "partConcurrency", &partConcurrency, .integer(in: 1...64), doc: "Parts of one copy that are in progress at the same time.")
        reader.value(
            "memory", &memory, .size(in: (16 << 20)...(1 << 40)),
            doc: "Bytes of memory for the parts of all copies into object storage; copies wait for their turn.")
        reader.value("maxAttempts", &maxAttempts, .integer(in: 1...100), doc: "Attempts at one copy before giving up.")
        reader.value(
            "maxObjectSize", &maxObjectSize, .size(in: 1...(1 << 50)),
            doc: "Larger artifacts are not copied; clients are redirected to the origin.")
        reader.value(
            "refuseHTML", &refuseHTML, .boolean,
            doc:
                "Reject a web page that an origin sends in place of an archive, a package or the like (`.zip`, `.whl`, `.tar.gz`, "
                + "…); clients are redirected to the origin."
        )
        reader.value(
            "idleTimeout", &idleTimeout, .duration(in: .seconds(1)...hours(1)),
            doc: "How long a transfer may receive no data before it counts as failed.")
        reader.value(
            "connectTimeout", &connectTimeout, .duration(in: .milliseconds(100)...minutes(5)),
            doc: "Time limit for connecting to an origin.")
        reader.value(
            "lease", &lease, .duration(in: .seconds(1)...minutes(10)),
            doc: "How long a copier may be silent before its job is given to another.")
        reader.value(
            "maxQueued", &maxQueued, .integer(in: 1...100_000_000),
            doc: "Copies that may be queued; clients that ask for more are redirected to the origin.")
        reader.value(
            "maxQueuedPerOrigin", &maxQueuedPerOrigin, .integer(in: 1...100_000_000), defaultNote: "a tenth of maxQueued", example: "10000",
            doc:
                "How many of these copies may be from one origin (scheme, host and port), in each pool, so that one origin does not "
                + "fill the queue for the others."
        )
        reader.value(
            "frontEnd", &frontEnd, .choice(),
            doc:
                "Whether `serve` makes copies itself: `auto` does so for pools that no live `cloud-mirror copier` serves; `never` "
                + "requires `state.redis` and copiers."
        )
        reader.section("backoff", doc: "The wait between attempts at one copy, doubled each time, with jitter.") { section in
            section.value("first", &backoff.first, .duration(in: .milliseconds(1)...minutes(10)), doc: "The wait after the first attempt.")
            section.value("max", &backoff.limit, .duration(in: .milliseconds(1)...hours(24)), doc: "The longest wait.")
            if backoff.limit < backoff.first {
                section.report("must not be shorter than first, which is \(DurationFormat.text(backoff.first))", key: "max")
            }
        }
    }
}
