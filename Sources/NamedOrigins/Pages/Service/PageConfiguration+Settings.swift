import MirrorCore
package import MirrorSettings

extension PageConfiguration {
    package init(_ reader: SettingsReader) {
        self.init()
        reader.value(
            "maxBytes", &maxBytes, .size(in: (1 << 20)...(1 << 45)),
            doc: "Disk space for all pages, in the state directory. Those that were not used for the longest time make room.")
        reader.value(
            "maxPageBytes", &maxPageBytes, .size(in: (1 << 10)...(1 << 40)),
            doc: "The size of the largest page that is kept; for larger ones clients are redirected to the origin.")
        reader.value(
            "staleLimit", &staleLimit, .duration(in: .zero...hours(24 * 365)),
            doc:
                "How old a page may be that clients get while its origin is down, counted from when the origin last confirmed it. 0s: none."
        )
        reader.value(
            "patience", &patience, .duration(in: .milliseconds(100)...minutes(5)),
            doc: "How long a client waits for the origin to confirm a page that is already here, before it gets the page as it is.")
        reader.value(
            "retryAfter", &retryAfter, .duration(in: .zero...minutes(10)),
            doc: "How long an origin that is down is not asked to confirm pages that are already here.")
        reader.value(
            "negativeLife", &negativeLife, .duration(in: .zero...minutes(10)),
            doc: "How long it is remembered that an origin has no such page (404, 410, 451).")
        reader.value(
            "fetchLimit", &fetchLimit, .duration(in: .seconds(1)...hours(1)), doc: "How long an origin may take to send a whole page.")
        reader.value(
            "maxFetches", &maxFetches, .integer(in: 1...10_000),
            doc: "Pages that are fetched at the same time; for others that are not here, clients are redirected to the origin.")
    }
}
