/// The page `/`: what this is, and a form that leads from a file's URL to its redirect URL.
package struct HomeView: View {
    /// An entry of a list to choose from.
    package struct Choice: Sendable {
        let name: String
        let isChosen: Bool

        package init(_ name: String, isChosen: Bool) {
            self.name = name
            self.isChosen = isChosen
        }
    }

    /// A named origin, with the names of the clients that have a recipe for it.
    package struct Client: Sendable {
        let name: String
        let words: String

        package init(name: String, words: String) {
            self.name = name
            self.words = words
        }
    }

    let about: String
    let base: String
    let root: String
    let action: String
    let pools: [Choice]
    let clients: [Client]
    let hasClients: Bool
    let clientsAddress: String
    let noClients: String
    let command: String
    let url: String
    let link: String?
    let problem: String?

    /// - Parameters:
    ///   - base: How clients reach the service, without a slash at the end.
    ///   - root: The path from the page to `/`.
    ///   - action: Where the form leads.
    ///   - noClients: What is said if there are no clients.
    ///   - command: A line for a shell.
    ///   - url: The initial value of the form.
    ///   - link: The requested redirect URL.
    ///   - problem: What is wrong with the values.
    package init(
        about: String, base: String, root: String, action: String, pools: [Choice], clients: [Client], noClients: String, command: String,
        url: String, link: String?, problem: String?
    ) {
        self.about = about
        self.base = base
        self.root = root
        self.action = action
        self.pools = pools
        self.clients = clients
        hasClients = !clients.isEmpty
        clientsAddress = "\(root)clients"
        self.noClients = noClients
        self.command = command
        self.url = url
        self.link = link
        self.problem = problem
    }

    package var html: String { Templates.render(.home, self) }
}
