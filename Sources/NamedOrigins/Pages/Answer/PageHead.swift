import HTTPTypes
import MirrorCore

/// The fields of an answer with a page, and how its body is rewritten.
struct PageHead {
    static let stale = "X-Cloud-Mirror-Stale"

    let fields: HTTPFields
    let rewriter: LinkRewriter?
    /// Identifies the page with its links rewritten; `nil` if its links are not rewritten.
    let rewrittenTag: String?
    /// Whether the client already has the page.
    let isUnchanged: Bool

    /// - Parameter age: The age of a page that the origin could not confirm.
    init(_ record: PageRecord, _ request: PageRequest, age: Duration?) {
        let rewriting = request.grammar.map { "\($0.rawValue) \(request.prefix) \(request.links.fingerprint)" }
        let etag = EntityTag.of(record, rewriting: rewriting)
        rewrittenTag = rewriting == nil ? nil : etag
        var fields = HTTPFields()
        // If a page's links are rewritten, the time of the origin's last change says nothing about what clients get.
        let lastModified = rewriting == nil ? record.lastModified : nil
        let page = (try? ArtifactURL(record.finalURL)) ?? request.url
        var links = 0
        for field in record.fields {
            let value = Self.value(field, page, request)
            if field.name == "link" { links += value?.utf8.count ?? 0 }
            // Many short ones may become long.
            if field.name != "link" || links <= LinkField.maxLength { fields.add(field.name, value) }
        }
        fields.add("ETag", etag)
        fields.add("Last-Modified", lastModified)
        fields.add("Vary", "Accept")
        // Clients revalidate each time, which costs a 304.
        fields.add("Cache-Control", request.isPrivate ? "private, no-cache" : "no-cache")
        if let age { fields.add(Self.stale, "\(max(age.wholeMilliseconds / 1_000, 0))") }
        rewriter = request.grammar.map {
            LinkRewriter($0, contentType: record.contentType, page: page, prefix: request.prefix, map: request.links)
        }
        isUnchanged = Self.isUnchanged(request, etag: etag, lastModified: lastModified)
        if isUnchanged { for name in ["content-type", "content-length", "content-disposition"] { fields.drop(name) } }
        self.fields = fields
    }

    private static func value(_ field: PageRecord.Field, _ page: ArtifactURL, _ request: PageRequest) -> String? {
        guard field.name == "link" else { return field.value }
        var resolver = LinkResolver(page: page, prefix: request.prefix, map: request.links)
        return LinkField.rewrite(field.value, &resolver)
    }

    /// RFC 9110 §13.2.2: `If-Modified-Since` counts only without `If-None-Match`.
    private static func isUnchanged(_ request: PageRequest, etag: String, lastModified: String?) -> Bool {
        if let field = request.ifNoneMatch { return EntityTag.matches(etag, ifNoneMatch: field) }
        guard let since = request.ifModifiedSince.flatMap(Timestamp.init(httpDate:)),
            let date = lastModified.flatMap(Timestamp.init(httpDate:))
        else {
            return false
        }
        return date <= since
    }
}

extension PageAnswer {
    /// The origin's answer in place of a page.
    init(_ word: OriginWord, _ freshness: Freshness) {
        var fields = HTTPFields()
        for field in word.fields where field.name != "link" { fields.add(field.name, field.value) }
        fields.add("Cache-Control", "no-cache")
        self.init(status: word.status, fields: fields, body: PageBody(.bytes(word.body)), freshness: freshness)
    }
}

extension HTTPFields {
    fileprivate mutating func add(_ name: String, _ value: String?) {
        guard let value, let name = HTTPField.Name(name) else { return }
        append(HTTPField(name: name, value: value))
    }

    fileprivate mutating func drop(_ name: String) {
        if let name = HTTPField.Name(name) { self[fields: name] = [] }
    }
}
