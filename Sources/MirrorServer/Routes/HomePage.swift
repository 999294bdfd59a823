import MirrorCore

/// The contents of `/`, as a page without scripts and as text.
struct HomePage {
    /// A requested redirect URL, and the name of the file that it leads to.
    struct Link {
        let url: String
        let name: String
    }

    /// How clients reach the service, without a slash at the end.
    let base: String
    /// Where the form leads, relative to the page.
    let action: String
    let pools: [PoolID]
    /// The initial values of the form.
    var url = ""
    var chosenPool: String?
    var link: Link?
    /// What is wrong with the values.
    var problem: String?

    private static let about =
        "This service copies a file into a pool near you the first time it is requested, and redirects that request and every later one to the copy. When it cannot help, you are redirected to the file's own address."

    // MARK: Text

    /// Shell commands, ready to use once the address and NAME are replaced.
    private var commands: [String] {
        if let link { return ["curl -fL '\(link.url)' -o \(Self.quoted(link.name))"] }
        return ["curl -fL --get --data-urlencode 'url=https://HOST/PATH' '\(base)/v1/go' -o NAME"]
    }

    var text: String {
        if let link { return "\(link.url)\n\n\(commands.map { "    \($0)\n" }.joined())" }
        return """
            cloud-mirror \(CloudMirrorVersion.current)

            \(Self.about)

            To download a file through it:

            \(commands.map { "    \($0)" }.joined(separator: "\n"))

            For tools that take one address, with the file's URL percent-encoded:

                \(base)/v1/redirect/https%3A%2F%2FHOST%2FPATH

            Pools: \(pools.map(\.description).joined(separator: ", "))
            Configuration of clients: \(base)/clients
            The interface: \(base)/v1/api-reference, \(base)/v1/openapi.yaml

            """
    }

    // MARK: HTML

    static let style = """
        body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}\
        input,select,button{font:inherit;padding:.3rem .5rem}input{width:100%;box-sizing:border-box}\
        pre{background:#f3f3f3;padding:.7rem;overflow-x:auto}.problem{color:#a00}\
        @media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}pre{background:#282828}.problem{color:#f77}a{color:#8bf}}
        """

    /// Allows only this page's own style and form. The form may lead to any host: browsers also check the redirects that follow, and pools may be
    /// anywhere.
    static let contentSecurityPolicy =
        "default-src 'none'; style-src \(PageResponse.source(ofStyle: style)); form-action 'self' http: https:; base-uri 'none'; frame-ancestors 'none'"

    var html: String {
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>cloud-mirror</title>
        <style>\(Self.style)</style>
        </head>
        <body>
        <h1>cloud-mirror</h1>
        <p>\(Self.about)</p>
        \(form)
        \(linkHTML)<h2>On the command line</h2>
        <pre>\(commands.map(Markup.escape).joined(separator: "\n"))</pre>
        <p>For tools that take one address, with the file's URL percent-encoded:</p>
        <pre>\(Markup.escape(base))/v1/redirect/https%3A%2F%2FHOST%2FPATH</pre>
        <p>Version \(CloudMirrorVersion.current). <a href="\(root)clients">Configuration of clients</a>. The interface: <a href="\(root)v1/api-reference">JSON</a>, <a href="\(root)v1/openapi.yaml">OpenAPI</a>.</p>
        </body>
        </html>

        """
    }

    /// The path from this page to `/`.
    private var root: String { action == "go" ? "../" : "" }

    private var form: String {
        let options = pools.map { pool in
            "<option\(pool.description == chosenPool ? " selected" : "")>\(Markup.escape(pool.description))</option>"
        }
        return """
            <form action="\(action)" method="get">
            <p><label for="url">The URL of a file</label><br>
            <input id="url" name="url" inputmode="url" required placeholder="https://" value="\(Markup.escape(url))"></p>
            \(problem.map { "<p class=\"problem\">\(Markup.escape($0))</p>\n" } ?? "")\
            <p><label for="pool">Pool</label>
            <select id="pool" name="pool"><option value="">chosen by the mirror</option>\(options.joined())</select></p>
            <p><button>Download</button> <button name="show" value="link">Show the link</button></p>
            </form>
            """
    }

    private var linkHTML: String {
        guard let link else { return "" }
        let url = Markup.escape(link.url)
        return "<h2>The link</h2>\n<p><a href=\"\(url)\" rel=\"noreferrer\">\(url)</a></p>\n"
    }

    /// Quotes a word for a shell.
    private static func quoted(_ word: String) -> String {
        let isPlain = !word.hasPrefix("-") && word.utf8.allSatisfy { PercentCoding.isUnreserved($0) }
        return isPlain ? word : "'\(word.replacing("'", with: "'\\''"))'"
    }
}
