import MirrorCore
import NamedOrigins

/// Prints how fast the links of pages are rewritten, in megabytes of page per second: one line of JSON. A page has 1 MB of links, as the public indexes of
/// Python and npm write them, and arrives in pieces of 64 KiB.
@main
enum LinkBenchmark {
    private static let size = 1 << 20
    private static let rounds = 40
    private static let digits = String(repeating: "0f", count: 32)

    /// Everything that the pages link to.
    private struct Files: LinkMap {
        let fingerprint = ""

        func place(of url: ArtifactURL) -> LinkPlace? {
            guard let base = try? ArtifactURL("\(url.scheme.rawValue)://\(url.authority)/") else { return nil }
            return LinkPlace(url: base, path: url.host == "index.example" ? "pip/" : "pip/~\(url.authority)/", isWhole: true)
        }
    }

    static func main() throws {
        let file = { (number: Int) in "numpy-1.\(number).0-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl" }
        let html = page { number in
            "<a href=\"https://files.example/packages/0f/f0/\(digits.dropLast(4))/\(file(number))#sha256=\(digits)\" data-requires-python=\"&gt;=3.9\" "
                + "data-dist-info-metadata=\"sha256=\(digits)\" data-core-metadata=\"sha256=\(digits)\">\(file(number))</a><br />\n"
        }
        let relative = page { number in
            "<a href=\"../../packages/0f/f0/\(digits.dropLast(4))/\(file(number))#sha256=\(digits)\">\(file(number))</a><br />\n"
        }
        let json = page("{\"files\":[") { number in
            "{\"core-metadata\":{\"sha256\":\"\(digits)\"},\"data-dist-info-metadata\":{\"sha256\":\"\(digits)\"},\"filename\":\"\(file(number))\","
                + "\"hashes\":{\"sha256\":\"\(digits)\"},\"provenance\":null,\"requires-python\":\">=3.9\",\"size\":18000000,"
                + "\"upload-time\":\"2026-01-01T00:00:00.000000Z\",\"url\":\"https://files.example/packages/0f/f0/\(digits.dropLast(4))/\(file(number))\","
                + "\"yanked\":false},"
        }
        let integrity = "sha512-\(Base64.encode([UInt8](repeating: 7, count: 64)))"
        let npm = page("{\"versions\":{") { number in
            "\"1.0.\(number)\":{\"name\":\"left-pad\",\"version\":\"1.0.\(number)\",\"dependencies\":{\"a\":\"1\",\"b\":\"2\"},"
                + "\"dist\":{\"shasum\":\"\(digits.dropLast(24))\",\"tarball\":\"https://files.example/left-pad/-/left-pad-1.0.\(number).tgz\","
                + "\"integrity\":\"\(integrity)\"}},"
        }
        let figures = [
            ("html", try rate(html, .html, "text/html")), ("relative", try rate(relative, .html, "text/html")),
            ("json", try rate(json, .python, "application/vnd.pypi.simple.v1+json")), ("npm", try rate(npm, .npm, "application/json")),
        ]
        print("{\(figures.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ","))}")
    }

    private static func page(_ beginning: String = "", _ link: (Int) -> String) -> [UInt8] {
        var page = Array(beginning.utf8)
        var number = 0
        while page.count < size {
            page += Array(link(number).utf8)
            number += 1
        }
        return page
    }

    /// The median of several rounds.
    private static func rate(_ page: [UInt8], _ grammar: LinkGrammar, _ type: String) throws -> Double {
        let url = try ArtifactURL("https://index.example/simple/numpy/")
        var out: [UInt8] = []
        let rates = (0..<rounds).map { _ in
            let took = ContinuousClock().measure {
                var rewriter = LinkRewriter(grammar, contentType: type, page: url, prefix: "https://mirror.example/o/", map: Files())
                for start in stride(from: 0, to: page.count, by: 64 << 10) {
                    out.removeAll(keepingCapacity: true)
                    page[start..<min(start + (64 << 10), page.count)].withUnsafeBytes { rewriter.rewrite($0, into: &out) }
                }
                rewriter.finish(into: &out)
            }
            return Double(page.count) / took.inSeconds / 1e6
        }
        return rates.sorted()[rounds / 2]
    }
}
