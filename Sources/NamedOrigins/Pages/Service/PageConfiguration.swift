/// How pages are kept. Each is a setting below `origins.pages`.
package struct PageConfiguration: Sendable, Equatable {
    /// Of all pages, in bytes.
    package var maxBytes: Int64 = 1 << 30
    /// The maximum size of a page, in bytes; requests for larger ones are redirected to the origin.
    package var maxPageBytes: Int64 = 64 << 20
    /// How old a page may be and still be served while the origin cannot be asked, counted from when the origin confirmed it.
    package var staleLimit: Duration = .seconds(7 * 86_400)
    /// How long a client waits for the origin to confirm a stored page.
    package var patience: Duration = .seconds(3)
    /// How long an origin that failed is not asked again to confirm stored pages.
    package var retryAfter: Duration = .seconds(5)
    /// How long it is remembered that there is no such page.
    package var negativeLife: Duration = .seconds(5)
    /// How long an origin may take for a whole page.
    package var fetchLimit: Duration = .seconds(120)
    /// Pages that are fetched at the same time.
    package var maxFetches = 256

    package init() {}
}
