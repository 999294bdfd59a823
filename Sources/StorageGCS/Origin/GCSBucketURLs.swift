import MirrorCore
package import StorageCloud

/// The URLs of the objects of one bucket: all spellings are read, one is written.
///
/// Read are `gs://bucket/object` and, with http or https, every host that serves the bucket, with the bucket in the path or in front of the host, in the form of
/// the XML API and of the JSON API.
///
/// **Names.** In a path, a name is percent-encoded, and a plus is a plus; in the JSON API it is one segment. After `gs://` it is not encoded, as in Google's own
/// tools: `%20` are three characters there; only `#` and digits at the end are the generation. A name with a segment `.` or `..` is not read, because clients
/// would change its URL.
///
/// **Queries.** The parameters of signatures are dropped, and so are those that change only the answer's fields, or who is charged. `generation` is kept. A URL
/// with any other parameter is not read: it requests something other than the object (`acl`, `compose`, …), or is unknown.
package struct GCSBucketURLs: BucketURLs {
    package let endpoint: GCSEndpoint
    package let bucket: String
    /// Everything before a name.
    package let base: String

    package init(endpoint: GCSEndpoint, bucket: String) {
        self.endpoint = endpoint
        self.bucket = bucket
        // The same for all of Google's endpoints, so that replicas keep their names if a different one is configured.
        let written = endpoint.isGoogle ? GCSEndpoint.google : endpoint
        base = "\(written.url)\(written.path(of: bucket))/"
    }

    package static func parameter(_ generation: String) -> (name: String, value: String) { ("generation", generation) }

    package func object(_ text: String) -> GCSObjectName? {
        guard let parts = ObjectURLParts(text) else { return nil }
        if parts.scheme == "gs" { return literal(parts.rest) }
        guard let site = parts.site, let form = GCSServiceHost.form(of: site, bucket: bucket, endpoint: endpoint),
            let place = place(form, parts.path), ObjectURLParts.canHold(place.key),
            let query = parts.queryItems.flatMap({ Query($0, isJSON: place.isJSON) })
        else { return nil }
        return GCSObjectName(key: place.key, version: query.generation)
    }

    // MARK: gs://

    private func literal(_ rest: Substring.UTF8View) -> GCSObjectName? {
        let name = rest.prefix { $0 != UInt8(ascii: "/") }
        guard name.elementsEqual(bucket.utf8) else { return nil }
        let key = rest[name.endIndex...].dropFirst()
        if let mark = key.lastIndex(of: UInt8(ascii: "#")), Query.isGeneration(Substring(key[mark...].dropFirst())) {
            let before = String(Substring(key[..<mark]))
            let generation = String(Substring(key[mark...].dropFirst()))
            return ObjectURLParts.canHold(before) ? GCSObjectName(key: before, version: generation) : nil
        }
        let whole = String(Substring(key))
        return ObjectURLParts.canHold(whole) ? GCSObjectName(key: whole) : nil
    }

    // MARK: http and https

    /// - Parameter path: Without the slash at its beginning.
    private func place(_ form: GCSServiceHost.Form, _ path: Substring.UTF8View) -> (key: String, isJSON: Bool)? {
        switch form {
        case .bucketInHost: return PercentCoding.decode(Substring(path)).map { (key: $0, isJSON: false) }
        case .jsonAlone: return json(path)
        case .bucketInPath:
            if let place = json(path) { return place }
            return ObjectURLParts.key(in: path, of: bucket).map { (key: $0, isJSON: false) }
        }
    }

    /// `storage/v1/b/BUCKET/o/OBJECT`, with `download/` in front or without.
    private func json(_ path: Substring.UTF8View) -> (key: String, isJSON: Bool)? {
        var segments = path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map { Substring($0) }
        if segments.first == "download" { segments.removeFirst() }
        guard segments.count == 6, segments[0] == "storage", segments[1] == "v1", segments[2] == "b", segments[4] == "o",
            PercentCoding.decode(segments[3])?.utf8.elementsEqual(bucket.utf8) == true, let key = PercentCoding.decode(segments[5])
        else { return nil }
        return (key: key, isJSON: true)
    }

    // MARK: Queries

    /// A query that asks for the object itself.
    private struct Query {
        var generation: String?

        /// - Parameter isJSON: Whether the JSON API is asked, which gives the object's metadata unless it is told otherwise.
        init?(_ items: [(name: String, value: Substring?)], isJSON: Bool) {
            var isMedia = false
            for (name, value) in items {
                if name == "generation" {
                    guard generation == nil, let value, Self.isGeneration(value) else { return nil }
                    generation = String(value)
                } else if name == "alt", isJSON {
                    guard value == "media" else { return nil }
                    isMedia = true
                } else if !Self.isDropped(name.lowercased(), isJSON: isJSON) {
                    return nil
                }
            }
            guard isMedia == isJSON else { return nil }
        }

        static func isGeneration(_ text: Substring) -> Bool {
            (1...19).contains(text.utf8.count) && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        }

        /// What changes neither which object is meant nor its bytes: signatures of version 4, Google's and Amazon's, and of version 2; overrides of the
        /// answer's fields; who is charged; parameters that every call of the JSON API takes.
        private static func isDropped(_ name: String, isJSON: Bool) -> Bool {
            if name.hasPrefix("x-goog-") || name.hasPrefix("x-amz-") || name.hasPrefix("response-") { return true }
            if ["googleaccessid", "signature", "expires", "userproject", "authuser"].contains(name) { return true }
            return isJSON && ["key", "prettyprint", "quotauser"].contains(name)
        }
    }
}

package typealias GCSObjectName = BucketObject<String>
