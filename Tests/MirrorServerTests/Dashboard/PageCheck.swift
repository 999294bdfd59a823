import Testing

@testable import MirrorServer

/// What holds for each page.
enum PageCheck {
    /// Nothing is loaded but the mirror's own files, no script or style is in the page itself, and its fields forbid both.
    static func expectOwnFilesOnly(_ response: RawResponse, sourceLocation: SourceLocation = #_sourceLocation) {
        let page = response.text
        for word in ["<style", " style=", "<img", "<iframe", "@import", "url(", " onclick", " onload", "javascript:", "<base"] {
            #expect(!page.contains(word), "\(word)", sourceLocation: sourceLocation)
        }
        #expect(page.split(separator: "<script").count == 2, sourceLocation: sourceLocation)
        #expect(page.contains(".js\" defer></script>"), sourceLocation: sourceLocation)
        for word in ["src=\"http", "<link rel=\"stylesheet\" href=\"http", "src=\"//"] {
            #expect(!page.contains(word), "\(word)", sourceLocation: sourceLocation)
        }
        let policy = response["Content-Security-Policy"] ?? ""
        #expect(policy.hasPrefix("default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'"), sourceLocation: sourceLocation)
        #expect(policy.hasSuffix("base-uri 'none'; frame-ancestors 'none'"), sourceLocation: sourceLocation)
        #expect(!policy.contains("unsafe") && !policy.contains("*"), sourceLocation: sourceLocation)
        #expect(response["X-Content-Type-Options"] == "nosniff", sourceLocation: sourceLocation)
        #expect(response["X-Frame-Options"] == "DENY", sourceLocation: sourceLocation)
        #expect(["no-referrer", "same-origin"].contains(response["Referrer-Policy"]), sourceLocation: sourceLocation)
        #expect(response["Cache-Control"] == "no-store", sourceLocation: sourceLocation)
    }

    /// What people need who do not see the page, or use no mouse: names for fields, buttons, tables and what scrolls, and headings in order.
    static func expectAccessible(_ page: String, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(page.contains("<html lang=\"en\">"), sourceLocation: sourceLocation)
        let levels = page.matches(of: /<h([1-6])[ >]/).compactMap { Int($0.1) }
        #expect(levels.first == 1 && levels.count { $0 == 1 } == 1, "\(levels)", sourceLocation: sourceLocation)
        #expect(zip(levels, levels.dropFirst()).allSatisfy { $1 <= $0 + 1 }, "\(levels)", sourceLocation: sourceLocation)
        let ids = page.matches(of: /\sid="([^"]*)"/).map { String($0.1) }
        #expect(Set(ids).count == ids.count, "\(ids)", sourceLocation: sourceLocation)
        for name in page.matches(of: /\saria-(?:labelledby|describedby)="([^"]*)"/) {
            #expect(ids.contains(String(name.1)), "\(name.0)", sourceLocation: sourceLocation)
        }
        for field in page.matches(of: /<(?:input|select|textarea) [^>]*>/) where !field.0.contains("type=\"hidden\"") {
            let id = field.0.firstMatch(of: /\sid="([^"]*)"/).map { String($0.1) } ?? ""
            #expect(page.contains("<label for=\"\(id)\">"), "\(field.0) has no label", sourceLocation: sourceLocation)
        }
        for button in page.matches(of: /<button[^>]*>([^<]*)</) { #expect(!button.1.isEmpty, sourceLocation: sourceLocation) }
        #expect(page.matches(of: /<table/).count == page.matches(of: /<caption>[^<]/).count, sourceLocation: sourceLocation)
        #expect(page.matches(of: /<th[ >]/).count == page.matches(of: /<th scope="(?:col|row)"/).count, sourceLocation: sourceLocation)
        // What may be wider than its place can be scrolled with the keyboard.
        for block in page.matches(of: /<pre(?: [^>]*)?>|<div class="table"[^>]*>/) where !block.0.contains("class=\"wrap\"") {
            let isReachable = block.0.contains("tabindex=\"0\" role=\"region\" aria-label=\"")
            #expect(isReachable, "\(block.0)", sourceLocation: sourceLocation)
        }
        for bar in page.matches(of: /<progress[^>]*>/) { #expect(bar.0.contains("aria-label=\""), sourceLocation: sourceLocation) }
        for drawing in page.matches(of: /<svg[^>]*>/) {
            #expect(drawing.0.contains("aria-hidden=\"true\""), sourceLocation: sourceLocation)
        }
    }
}
