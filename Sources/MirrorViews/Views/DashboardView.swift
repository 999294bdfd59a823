/// The page `/dashboard`.
package struct DashboardView: View {
    let events: String
    private let rows: DashboardRows

    /// - Parameter events: Where the figures are kept up to date from, relative to the page.
    package init(events: String, rows: DashboardRows) {
        self.events = events
        self.rows = rows
    }

    package var html: String {
        // The rows are what names in the partial mean; the address is the one thing beside them.
        Templates.render(.dashboard, ["events": events, "rows": rows.html])
    }
}
