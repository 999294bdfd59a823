import MirrorCore
package import MirrorSettings

extension PageConfiguration {
    package init(_ reader: SettingsReader) {
        self.init()
        reader.value(
            "maxBytes", &maxBytes, .size(in: (1 << 20)...(1 << 45)),
            doc:
                "Disk space for all pages, in the state directory. The least recently used pages make room for new ones, first those of client "
                + "networks that have more than a quarter of it.")
        reader.value(
            "maxPageBytes", &maxPageBytes, .size(in: (1 << 10)...(1 << 40)),
            doc: "The size of the largest page that is kept; requests for larger ones are redirected to the origin.")
        reader.value(
            "staleLimit", &staleLimit, .duration(in: .zero...hours(24 * 365)),
            doc:
                "How old a page may be, counted from when the origin last confirmed it, and still be served while the origin is down. 0s: no page is served then."
        )
        reader.value(
            "patience", &patience, .duration(in: .milliseconds(100)...minutes(5)),
            doc: "How long a client waits for the origin to confirm a stored page before it gets the page as it is.")
        reader.value(
            "retryAfter", &retryAfter, .duration(in: .zero...minutes(10)),
            doc: "How long the mirror waits before it asks an origin that is down to confirm stored pages again.")
        reader.value(
            "negativeLife", &negativeLife, .duration(in: .zero...minutes(10)),
            doc: "How long the mirror remembers that an origin does not have a page (404, 410, 451).")
        reader.value(
            "fetchLimit", &fetchLimit, .duration(in: .seconds(1)...hours(1)), doc: "How long an origin may take to send a whole page.")
        reader.value(
            "maxFetches", &maxFetches, .integer(in: 1...10_000),
            doc: "Pages that may be fetched at the same time; further requests for pages that are not stored are redirected to the origin.")
    }
}
