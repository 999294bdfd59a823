import MirrorCore
package import StorageCloud

/// The URLs that refer to objects of one bucket: reads all spellings, and writes one.
///
/// It reads `s3://bucket/key` and, with http or https, every host name of the service, with the bucket in the path or in front of
/// the host. For Amazon, that includes other regions, dual-stack, FIPS and acceleration, because bucket names are unique among all
/// regions of a partition.
///
/// **Keys.** In a path, a key is percent-encoded, and a plus is a plus. After `s3://`, a key is literal, as for Amazon's own tools: `%20` is three
/// characters there; only a `?versionId=` at the end is not part of it. A key with a segment `.` or `..` is not read, because clients
/// change every URL for it.
///
/// **Queries.** Parameters of any signature version and of the SDKs are dropped, as are those that only change the answer's header fields
/// (`response-content-type`, …). `versionId` is kept. A URL with any other query is not read: it asks for something other than the object (`acl`,
/// `partNumber`, …), or its meaning is unknown.
package struct S3BucketURLs: BucketURLs {
    package let endpoint: S3Endpoint
    package let bucket: String
    /// Everything before the key.
    package let base: String

    package init(endpoint: S3Endpoint, bucket: String) {
        self.endpoint = endpoint
        self.bucket = bucket
        // The written form depends on neither dual-stack nor addressing, so that replicas keep their names when those change.
        let written =
            endpoint.isAWS
            ? S3Endpoint.aws(region: endpoint.region)
            : S3Endpoint(scheme: endpoint.scheme, host: endpoint.host, port: endpoint.port, region: endpoint.region, addressing: .path)
        let address = written.address(bucket: bucket)
        base = "\(written.scheme.rawValue)://\(address.hostField)\(address.pathPrefix)"
    }

    package static func parameter(_ version: String) -> (name: String, value: String) { ("versionId", version) }

    package func object(_ text: String) -> S3ObjectName? {
        guard let parts = ObjectURLParts(text) else { return nil }
        if parts.scheme == S3Service.name { return literal(parts.rest) }
        guard let site = parts.site, let key = key(at: site, path: parts.path), ObjectURLParts.canHold(key),
            let query = parts.queryItems.flatMap(Query.init)
        else { return nil }
        return S3ObjectName(key: key, version: query.version)
    }

    // MARK: s3://

    private func literal(_ rest: Substring.UTF8View) -> S3ObjectName? {
        let name = rest.prefix { $0 != UInt8(ascii: "/") }
        guard name.elementsEqual(bucket.utf8) else { return nil }
        let key = String(Substring(rest[name.endIndex...].dropFirst()))
        // By bytes, so that a combining mark cannot hide the character before it.
        let marker = Array("?versionId=".utf8)
        let parts = Array(key.utf8).split(separator: marker, omittingEmptySubsequences: false)
        guard parts.count > 1, let version = parts.last, !version.isEmpty else {
            return ObjectURLParts.canHold(key) ? S3ObjectName(key: key) : nil
        }
        let path = String(Substring(key.utf8.dropLast(marker.count + version.count)))
        return ObjectURLParts.canHold(path) ? S3ObjectName(key: path, version: String(decoding: version, as: UTF8.self)) : nil
    }

    // MARK: http and https

    private func key(at site: ArtifactURL, path: Substring.UTF8View) -> String? {
        guard let style = style(of: site) else { return nil }
        switch style {
        case .virtual:
            return PercentCoding.decode(Substring(path))
        case .path:
            return ObjectURLParts.key(in: path, of: bucket)
        }
    }

    private func style(of site: ArtifactURL) -> S3Endpoint.Addressing? {
        if site.isPort(endpoint.port, of: endpoint.scheme), let style = style(host: site.host, service: endpoint.host) { return style }
        guard endpoint.isAWS, site.port == site.scheme.defaultPort else { return nil }
        return S3ServiceHost.style(host: site.host, bucket: bucket, partition: S3ServiceHost.partition(of: endpoint.region))
    }

    private func style(host: String, service: String) -> S3Endpoint.Addressing? {
        if host == service { return .path }
        // Host names ignore case.
        return host == "\(bucket.lowercased()).\(service)" && bucket == bucket.lowercased() ? .virtual : nil
    }

    // MARK: Queries

    /// A query that asks for the object itself.
    private struct Query {
        var version: String?

        init?(_ items: [(name: String, value: Substring?)]) {
            for (name, value) in items {
                if name == "versionId" {
                    guard version == nil, let id = value.flatMap({ PercentCoding.decode($0) }), !id.isEmpty else { return nil }
                    version = id
                } else if !Self.isDropped(name.lowercased()) {
                    return nil
                }
            }
        }

        /// Parameters that change neither the object nor its bytes: signature version 4 and the SDKs' additions, version 2, overrides of the
        /// answer's fields (Amazon S3 API Reference, GetObject).
        private static func isDropped(_ name: String) -> Bool {
            name.hasPrefix("x-amz-") || name.hasPrefix("response-") || ["awsaccesskeyid", "signature", "expires", "x-id"].contains(name)
        }
    }
}

package typealias S3ObjectName = BucketObject<String>
