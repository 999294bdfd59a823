import MirrorViews

/// The pages of a listener, and the links between them.
struct Site: Sendable {
    enum Page: Sendable {
        case home, clients, dashboard, replicas, other
    }

    /// Whether the listener has the pages for everyone.
    let isPublic: Bool
    let hasDashboard: Bool

    /// - Parameters:
    ///   - root: The path from the page to `/`: empty or `../`.
    ///   - session: Of a person who has logged in; `nil` for a page that does not know.
    func frame(_ title: String, _ page: Page, root: String, session: DashboardSession? = nil) -> Frame {
        var links: [Frame.Link] = []
        func add(_ words: String, _ address: String, _ linked: Page) {
            links.append(Frame.Link(words, address, isCurrent: linked == page))
        }
        if isPublic {
            add("Home", root.isEmpty ? "./" : root, .home)
            add("Clients", "\(root)clients", .clients)
        }
        if hasDashboard { add("Dashboard", "\(root)dashboard", .dashboard) }
        if session != nil { add("Replicas", "\(root)dashboard/replicas", .replicas) }
        return Frame(
            title: title, root: root, links: links,
            logout: session.map { Frame.Logout(address: "\(root)dashboard/logout", formKey: $0.formKey) })
    }
}
