import MirrorCore

/// What surrounds the content of each page: the head, the links to the other pages, the version.
package struct Frame: Sendable {
    /// A link to another page of the mirror.
    package struct Link: Sendable {
        let words: String
        let address: String
        let isCurrent: Bool

        /// - Parameter address: Relative to the page.
        package init(_ words: String, _ address: String, isCurrent: Bool = false) {
            self.words = words
            self.address = address
            self.isCurrent = isCurrent
        }
    }

    /// The button that ends a session.
    package struct Logout: Sendable {
        let address: String
        let formKey: String

        /// - Parameter address: Relative to the page.
        package init(address: String, formKey: String) {
            self.address = address
            self.formKey = formKey
        }
    }

    let title: String
    let root: String
    let links: [Link]
    let logout: Logout?

    /// - Parameter root: The path from the page to `/`: empty or `../`. All addresses are relative, so that they are also right behind a proxy that
    ///   gives this service its own path.
    package init(title: String, root: String, links: [Link], logout: Logout? = nil) {
        self.title = title
        self.root = root
        self.links = links
        self.logout = logout
    }

    private struct Page {
        let title: String
        let root: String
        let links: [Link]
        let logout: Logout?
        let body: String
        let version = CloudMirrorVersion.current
        let style = Asset.style.address
        let script = Asset.script.address
        let icon = Asset.icon.address
    }

    /// A whole page.
    package func html(_ view: some View) -> String {
        Templates.render(.layout, Page(title: title, root: root, links: links, logout: logout, body: view.html))
    }
}

/// The content of a page.
package protocol View: Sendable {
    var html: String { get }
}
