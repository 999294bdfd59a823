import MirrorCore
package import StorageCloud

/// The URLs of one container's blobs: all spellings are read, and one is written.
///
/// Accepted are http and https, the account's own host, its secondary host, every host of the account in the cloud, and the configured endpoint.
/// Blobs of `$root` may follow the host directly. In a path a name is percent-encoded, and a plus is a plus. Clients would change a URL whose name
/// has a segment `.` or `..`, so such names are not accepted.
///
/// **Queries.** The parameters of a shared access signature are dropped, and so are those that only change the fields of the answer (`rscd`, …).
/// `versionid` and `snapshot` are kept. A URL with any other parameter is not accepted: it requests something other than the blob (`comp`, `restype`,
/// …), or its meaning is unknown.
package struct AzureContainerURLs: BucketURLs {
    package let endpoint: AzureEndpoint
    package let container: String
    /// Everything before a name.
    package let base: String

    static let root = "$root"

    package init(endpoint: AzureEndpoint, container: String) {
        self.endpoint = endpoint
        self.container = container
        base = "\(endpoint.url)/\(container)/"
    }

    package static func parameter(_ version: AzureBlobVersion) -> (name: String, value: String) { version.parameter }

    package func object(_ text: String) -> AzureBlobName? {
        guard let parts = ObjectURLParts(text), let site = parts.site, isSite(site), let name = name(parts.path),
            ObjectURLParts.canHold(name), let versions = parts.queryItems.flatMap(Self.versions), versions.count <= 1
        else { return nil }
        return AzureBlobName(key: name, version: versions.first)
    }

    private func isSite(_ site: ArtifactURL) -> Bool {
        if site.host == endpoint.host, site.isPort(endpoint.port, of: endpoint.scheme) { return true }
        guard let cloud = endpoint.cloud, site.port == site.scheme.defaultPort else { return false }
        // Account names are unique in a cloud. An account's DNS zone comes between its name and the domain.
        let account = endpoint.account
        return cloud.domains.contains { domain in
            guard site.host.hasSuffix(".\(domain)") else { return false }
            let labels = site.host.dropLast(domain.utf8.count + 1).split(separator: ".", omittingEmptySubsequences: false)
            return labels.count <= 2 && (labels[0] == account || labels[0] == "\(account)-secondary")
        }
    }

    /// - Parameter path: Without the first slash.
    private func name(_ path: Substring.UTF8View) -> String? {
        var path = path
        if endpoint.isInPath {
            let account = path.prefix { $0 != UInt8(ascii: "/") }
            guard account.elementsEqual(endpoint.account.utf8), account.endIndex < path.endIndex else { return nil }
            path = path[account.endIndex...].dropFirst()
        }
        guard path.contains(UInt8(ascii: "/")) else {
            // Only blobs of this one container may follow the host directly, and none of them has a slash in its name.
            return container == Self.root ? PercentCoding.decode(Substring(path)) : nil
        }
        return ObjectURLParts.key(in: path, of: container)
    }

    // MARK: Queries

    /// - Returns: `nil` for a query that requests something other than the blob.
    private static func versions(_ items: [(name: String, value: Substring?)]) -> [AzureBlobVersion]? {
        var versions: [AzureBlobVersion] = []
        for (name, value) in items {
            let name = name.lowercased()
            guard name == "versionid" || name == "snapshot" else {
                guard droppedNames.contains(name) else { return nil }
                continue
            }
            guard let moment = value.flatMap({ PercentCoding.decode($0) }), !moment.isEmpty else { return nil }
            versions.append(name == "snapshot" ? .snapshot(moment) : .version(moment))
        }
        return versions
    }

    /// Parameters that change neither the blob nor its bytes: signatures of any kind, and overrides of the answer's fields.
    private static let droppedNames: Set<String> = [
        "rscc", "rscd", "rsce", "rscl", "rsct", "saoid", "scid", "sdd", "sduoid", "se", "ses", "si", "sig", "sip", "ske", "skdutid",
        "skoid", "sks", "skt", "sktid", "skv", "sp", "spr", "sr", "srh", "srq", "srt", "ss", "st", "suoid", "sv", "timeout",
    ]
}

package typealias AzureBlobName = BucketObject<AzureBlobVersion>
