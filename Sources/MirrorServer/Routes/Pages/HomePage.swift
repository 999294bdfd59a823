import MirrorCore
import MirrorViews

/// The contents of `/`, as a page and as text.
struct HomePage {
    /// A requested redirect URL, and the name of the file that it leads to.
    struct Link {
        let url: String
        let name: String
    }

    /// How clients reach the service, without a slash at the end.
    let base: String
    /// Whether the page is `/`, and not the answer to its form, which is at `/v1/go`.
    let isRoot: Bool
    let pools: [PoolID]
    let clients: ClientsCall.Answer
    /// The initial values of the form.
    var url = ""
    var chosenPool: String?
    var link: Link?
    /// What is wrong with the values.
    var problem: String?

    private static let about =
        "This service copies a file into a pool near you the first time it is requested, and redirects that request and every later one to the copy. When it cannot help, you are redirected to the file's own address."

    /// A shell command, ready to use once the address and NAME are replaced.
    private var command: String {
        if let link { return "curl -fL '\(link.url)' -o \(Self.quoted(link.name))" }
        return "curl -fL --get --data-urlencode 'url=https://HOST/PATH' '\(base)/v1/go' -o NAME"
    }

    var text: String {
        if let link { return "\(link.url)\n\n    \(command)\n" }
        return """
            cloud-mirror \(CloudMirrorVersion.current)

            \(Self.about)

            To download a file through it:

                \(command)

            For tools that take one address, with the file's URL percent-encoded:

                \(base)/v1/redirect/https%3A%2F%2FHOST%2FPATH

            Pools: \(pools.map(\.description).joined(separator: ", "))
            Configuration of clients: \(base)/clients
            The interface: \(base)/v1/api-reference, \(base)/v1/openapi.yaml

            """
    }

    /// The path from the page to `/`.
    var root: String { isRoot ? "" : "../" }

    var view: HomeView {
        HomeView(
            about: Self.about, base: base, root: root, action: isRoot ? "v1/go" : "go",
            pools: pools.map { HomeView.Choice($0.description, isChosen: $0.description == chosenPool) },
            clients: clients.origins.map { origin in
                HomeView.Client(name: origin.name, words: origin.recipes.map(\.client).joined(separator: ", "))
            },
            noClients: ClientsText.none, command: command, url: url, link: link?.url, problem: problem)
    }

    /// Quotes a word for a shell.
    private static func quoted(_ word: String) -> String {
        let isPlain = !word.hasPrefix("-") && word.utf8.allSatisfy { PercentCoding.isUnreserved($0) }
        return isPlain ? word : "'\(word.replacing("'", with: "'\\''"))'"
    }
}
