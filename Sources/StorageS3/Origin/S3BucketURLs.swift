package import MirrorCore
import StorageCloud

/// The URLs that mean objects of one bucket: all spellings are read, one is written.
///
/// Read are `s3://bucket/key` and, by http or https, every host under which the service has the bucket, with the bucket in the path or before
/// the host; of Amazon's own also those of other regions, dual-stack, FIPS and acceleration, because bucket names are unique among all
/// regions of a partition.
///
/// **Keys.** In a path a key is percent-encoded, and a plus is a plus. Behind `s3://` it stands as it is, as for Amazon's own tools: `%20` are three
/// characters there; only `?versionId=` at the end is not part of it. A key with a segment `.` or `..` has no URL that clients leave alone, and
/// is not read.
///
/// **Queries.** What a signature of any version and the SDKs add is dropped, and so is what only changes the fields of the answer
/// (`response-content-type`, …). `versionId` is kept. Any other query asks for something else than the object (`acl`, `partNumber`, …), or nobody
/// knows for what: such a URL is not read.
package struct S3BucketURLs: Sendable {
    package let endpoint: S3Endpoint
    package let bucket: String
    /// Everything before a key.
    private let base: String

    package init(endpoint: S3Endpoint, bucket: String) {
        self.endpoint = endpoint
        self.bucket = bucket
        // What is written depends on neither dual-stack nor addressing, so that replicas keep their names when those are changed.
        let written =
            endpoint.isAWS
            ? S3Endpoint.aws(region: endpoint.region)
            : S3Endpoint(scheme: endpoint.scheme, host: endpoint.host, port: endpoint.port, region: endpoint.region, addressing: .path)
        let address = written.address(bucket: bucket)
        base = "\(written.scheme.rawValue)://\(address.hostField)\(address.pathPrefix)"
    }

    /// The one URL of an object.
    ///
    /// - Returns: `nil` when no URL holds the key unchanged.
    package func url(of object: S3ObjectName) -> ArtifactURL? {
        var text = base + PercentCoding.encode(path: object.key)
        if let version = object.version { text += "?versionId=\(PercentCoding.encode(version))" }
        guard !object.key.isEmpty, let url = try? ArtifactURL(text), url.description == text else { return nil }
        return url
    }

    /// The object that a URL means.
    ///
    /// - Returns: `nil` for what does not lie in this bucket.
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
        // By bytes: a mark that combines with a sign before it must not hide the sign.
        let marker = Array("?versionId=".utf8)
        let parts = Array(key.utf8).split(separator: marker, omittingEmptySubsequences: false)
        guard parts.count > 1, let version = parts.last, !version.isEmpty else {
            return ObjectURLParts.canHold(key) ? S3ObjectName(key: key, version: nil) : nil
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
        // Names of hosts know no case.
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

        /// What changes neither which object is meant nor its bytes: signature version 4 and what SDKs add to it, version 2, overrides of the
        /// answer's fields (Amazon S3 API Reference, GetObject).
        private static func isDropped(_ name: String) -> Bool {
            name.hasPrefix("x-amz-") || name.hasPrefix("response-") || ["awsaccesskeyid", "signature", "expires", "x-id"].contains(name)
        }
    }
}

/// An object of a bucket, as the service knows it.
package struct S3ObjectName: Sendable, Hashable {
    /// Not encoded.
    package var key: String
    package var version: String?
}
