import MirrorCore
import Testing

@testable import NamedOrigins

@Suite struct HTMLRewriterTests {
    private let rewriting = Rewriting()
    private let digits = Rewriting.digits

    @Test("A link to a place of the mirror leads through it, with the digest of its fragment, however it is written")
    func links() throws {
        try rewriting.expect(
            "<a href=\"https://files.example/p/a.whl#sha256=\(digits)\" data-core-metadata=\"sha256=1\">a</a><br>",
            "<a href=\"/o/pip/~files.example/~sha256=\(digits)/p/a.whl#sha256=\(digits)\" data-core-metadata=\"sha256=1\">a</a><br>")
        try rewriting.expect("<a href='../../p/a.whl'>", "<a href='/o/pip/p/a.whl'>")
        try rewriting.expect("<A\nHREF = /p/b.whl>b</A>", "<A\nHREF = /o/pip/p/b.whl>b</A>")
        try rewriting.expect("<a href=\"//files.example/b\">", "<a href=\"/o/pip/~files.example/b\">")
        try rewriting.expect(
            "<a href='./c.whl'><a href='..'><a href='?C=N'>",
            "<a href='/o/pip/simple/x/c.whl'><a href='/o/pip/simple/'><a href='/o/pip/simple/x/?C=N'>")
        try rewriting.expect("<a href=\"https://[2001:DB8::1]:8443/a\">", "<a href=\"/o/[2001:db8::1]:8443/a\">")
    }

    @Test("Digests in fragments are found among other things, in either case, and only if they are digests")
    func digests() throws {
        let upper = digits.uppercased()
        try rewriting.expect(
            "<a href='/a#egg=x&amp;sha256=\(upper)'>", "<a href='/o/pip/~sha256=\(digits)/a#egg=x&amp;sha256=\(upper)'>")
        let long = digits + digits
        try rewriting.expect("<a href='/a#sha512=\(long)'>", "<a href='/o/pip/a#sha512=\(long)'>")
        for fragment in ["md5=\(digits.prefix(32))", "sha256=\(digits.dropLast())", "sha256=\(digits.dropLast())g", ""] {
            try rewriting.expect("<a href='/a#\(fragment)'>", "<a href='/o/pip/a#\(fragment)'>")
        }
    }

    @Test("A link to elsewhere stays if it is absolute, and becomes absolute if it is not")
    func elsewhere() throws {
        try rewriting.expect("<a href=\"https://else.example/a?b&amp;c\">", "<a href=\"https://else.example/a?b&amp;c\">")
        try rewriting.expect("<a href=//else.example/b>", "<a href=https://else.example/b>")
        for link in ["mailto:x@y.example", "javascript:a()", "#top", "", "data:text/html,a", "https://[broken/", "urn:a:b"] {
            try rewriting.expect("<a href=\"\(link)\">", "<a href=\"\(link)\">")
        }
    }

    @Test("The base counts for the links behind it, and is taken away")
    func base() throws {
        try rewriting.expect(
            "<base href=\"https://files.example/q/\"><a href=a.whl><base href='https://index.example/r/'><a href=\"b\">",
            "<base data-href=\"https://files.example/q/\"><a href=/o/pip/~files.example/q/a.whl><base data-href='https://index.example/r/'>"
                + "<a href=\"/o/pip/~files.example/q/b\">")
        try rewriting.expect(
            "<base href='https://else.example/q/'><a href='a'>",
            "<base data-href='https://else.example/q/'><a href='https://else.example/q/a'>")
        try rewriting.expect("<base href='../y/'><a href='a'>", "<base data-href='../y/'><a href='/o/pip/simple/y/a'>")
        try rewriting.expect("<base target=x><a href='a'>", "<base target=x><a href='/o/pip/simple/x/a'>")
    }

    @Test("Relative links stay as they are where the base is so long that the page would become many times as long")
    func longBase() throws {
        let name = String(repeating: "b", count: LinkResolver.maxBase - "https://files.example//".utf8.count)
        func page(_ base: String, _ links: String...) -> String {
            "<base \(base)>" + links.map { "<a href='\($0)'>" }.joined()
        }
        let other = "https://files.example/p/a.whl"
        #expect(
            try rewriting.run(page("href='https://files.example/\(name)/'", "a", other))
                == page("data-href='https://files.example/\(name)/'", "/o/pip/~files.example/\(name)/a", "/o/pip/~files.example/p/a.whl"))
        #expect(
            try rewriting.run(page("href='https://files.example/\(name)b/'", "a", "/c", other))
                == page("data-href='https://files.example/\(name)b/'", "a", "/c", "/o/pip/~files.example/p/a.whl"))
    }

    @Test("Character references are resolved and written again as the quotes demand")
    func characterReferences() throws {
        try rewriting.expect(
            "<a href='/p?x=1&amp;y=2&#38;z&#x26;sect=3#f&amp;g'>", "<a href='/o/pip/p?x=1&amp;y=2&amp;z&amp;sect=3#f&amp;g'>")
        try rewriting.expect("<a href='&#47;p&sol;it&#39;s'>", "<a href='/o/pip/p/it&#39;s'>")
        try rewriting.expect("<a href=/p?a=&quot;>", "<a href=/o/pip/p?a=%22>")
        try rewriting.expect("<a href='/p#&#60;&#0;&#x110000;&unknown;'>", "<a href='/o/pip/p#&lt;&amp;#0;&amp;#x110000;&amp;unknown;'>")
        try rewriting.expect("<a href=\" \t/p \">", "<a href=\"/o/pip/p\">")
        try rewriting.expect("<a href='/p/é b%2b/../%7ec.whl'>", "<a href='/o/pip/p/~c.whl'>")
    }

    @Test("What looks like a link in comments, scripts and text stays; quotes in tags hide what is in them")
    func otherMarkup() throws {
        for text in [
            "<!-- <a href='/x'> -->", "<!--><a b>", "<!---><b>", "<!-- --!><i>", "<!-- -- > <a href=/x> -->", "<!doctype '<a href=/x'>",
            "<?php <a href='/x'?>", "<script>if (a<b) '<a href=/q></scrip'</script >", "<STYLE>a</style>", "<title><a href='/x'></Title/>",
            "</a href='/x'>", "a < b <3 <", "<>", "</>", "<a title='<a href=/x>'>", "<a title=it's data-href='/x'>", "<a href>",
            "<a href=>",
        ] {
            try rewriting.expect(text, text)
            try rewriting.expect(
                text + "<p/><a href='/p'>", text == "a < b <3 <" ? text + "<p/><a href='/o/pip/p'>" : text + "<p/><a href='/o/pip/p'>")
        }
        try rewriting.expect("<a title='>' href='/p' href='/q'>", "<a title='>' href='/o/pip/p' href='/q'>")
        try rewriting.expect("<a/href='/p'/>", "<a/href='/o/pip/p'/>")
    }

    @Test("A page that ends in a tag is passed on whole; a tag that is too long stays as it is")
    func ends() throws {
        try rewriting.expect("<a href='/p'", "<a href='/p'")
        let long = String(repeating: "x", count: HTMLRewriter.maxTag)
        let page = "<a href='/p' title='\(long)'><a href='/p'>"
        let expected = "<a href='/p' title='\(long)'><a href='/o/pip/p'>"
        #expect(try rewriting.run(page) == expected)
        for cut in [1, 9, 1_000, HTMLRewriter.maxTag - 1, HTMLRewriter.maxTag, page.utf8.count - 20] {
            #expect(try rewriting.run(page, cuts: [cut]) == expected)
        }
    }

    @Test("What is not UTF-8 passes")
    func bytes() throws {
        var rewriter = LinkRewriter(
            .html, contentType: nil, page: try .init("https://index.example/"), prefix: "/o/",
            map: try TestLinks([("https://index.example/", "pip/")]))
        let page: [UInt8] = Array("<a href='/\u{1}".utf8) + [0xFF, 0xFE] + Array("'>".utf8) + [0xC3]
        var out: [UInt8] = []
        page.withUnsafeBytes { rewriter.rewrite($0, into: &out) }
        rewriter.finish(into: &out)
        #expect(out == page)
    }
}
