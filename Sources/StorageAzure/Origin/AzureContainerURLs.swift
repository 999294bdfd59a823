import MirrorCore
package import StorageCloud

/// The URLs that mean blobs of one container: all spellings are read, one is written.
///
/// Read are http and https, the account's own host, its secondary one, every host of the account in the cloud, and the configured endpoint.
/// The blobs of `$root` also stand right behind the host. In a path a name is percent-encoded, and a plus is a plus. A name with a segment
/// `.` or `..` has no URL that clients leave alone, and is not read.
///
/// **Queries.** What a shared access signature consists of is dropped, and so is what only changes the fields of the answer (`rscd`, …).
/// `versionid` and `snapshot` are kept. Any other query asks for something else than the blob (`comp`, `restype`, …), or nobody knows for
/// what: such a URL is not read.
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
        // Accounts have one name in all of a cloud. A zone of its own stands between the account and the domain.
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
            // Right behind the host there are blobs of one container alone, none of which has a slash in its name.
            return container == Self.root ? PercentCoding.decode(Substring(path)) : nil
        }
        return ObjectURLParts.key(in: path, of: container)
    }

    // MARK: Queries

    /// - Returns: `nil` for a query that asks for something else than the blob.
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

    /// What changes neither which blob is meant nor its bytes: a signature of any kind, and what overrides the answer's fields.
    private static let droppedNames: Set<String> = [
        "rscc", "rscd", "rsce", "rscl", "rsct", "saoid", "scid", "sdd", "sduoid", "se", "ses", "si", "sig", "sip", "ske", "skdutid",
        "skoid", "sks", "skt", "sktid", "skv", "sp", "spr", "sr", "srh", "srq", "srt", "ss", "st", "suoid", "sv", "timeout",
    ]
}

package typealias AzureBlobName = BucketObject<AzureBlobVersion>
