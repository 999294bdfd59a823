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
}
