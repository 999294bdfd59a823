import MirrorCore

/// The page `/clients`.
struct ClientsPage {
    let answer: ClientsCall.Answer

    static let contentSecurityPolicy =
        "default-src 'none'; style-src \(PageResponse.source(ofStyle: HomePage.style)); base-uri 'none'; frame-ancestors 'none'"

    var html: String {
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>cloud-mirror: clients</title>
        <style>\(HomePage.style)</style>
        </head>
        <body>
        <h1>Configuration of clients</h1>
        <p>\(answer.origins.isEmpty ? ClientsText.none : ClientsText.about)</p>
        \(answer.origins.map(Self.section).joined())\
        </body>
        </html>

        """
    }

    private static func section(_ origin: ClientsCall.Origin) -> String {
        let recipes = origin.recipes.map { recipe in
            "<h3>\(Markup.escape(recipe.client))</h3>\n<p>\(Markup.escape(recipe.place))</p>\n<pre>\(Markup.escape(recipe.lines))</pre>\n"
        }
        return """
            <h2>\(Markup.escape(origin.name))</h2>
            <p>\(Markup.escape(origin.origin))</p>
            \(recipes.joined())
            """
    }
}
