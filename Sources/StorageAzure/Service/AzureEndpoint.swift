package import MirrorCore
import MirrorNet
import StorageCloud

/// Where the containers of one account are.
package struct AzureEndpoint: ServiceEndpoint {
    package let scheme: ArtifactURL.Scheme
    /// A name or an address; IPv6 without brackets.
    package let host: String
    package let port: Int
    /// The name of the account, which stands in signatures.
    package let account: String
    /// Whether the account stands in the path and not in the host's name, as emulators have it.
    package let isInPath: Bool

    /// The service's own address of an account.
    package init(account: String) {
        scheme = .https
        host = "\(account).\(AzureCloud.global.domains[0])"
        port = ArtifactURL.Scheme.https.defaultPort
        self.account = account
        isInPath = false
    }

    /// - Parameter url: `https://account.blob.core.windows.net`, or with the account in the path, `http://127.0.0.1:10000/account`.
    /// - Returns: `nil` when the URL has another path, or a query.
    package init?(_ url: ArtifactURL, account: String) {
        let path = url.path.hasSuffix("/") ? String(url.path.dropLast()) : url.path
        guard url.query == nil, path.isEmpty || path == "/\(account)" else { return nil }
        scheme = url.scheme
        host = url.host
        port = url.port
        self.account = account
        isInPath = !path.isEmpty
    }

    /// Which of Microsoft's clouds it is in; `nil` for an address of somebody else's.
    var cloud: AzureCloud? { AzureCloud(host: host) }

    /// Whether whoever is behind it reaches the public internet and nothing else; an emulator or an appliance is where its address is.
    var isPublic: Bool { IPAddress(host).map { AddressGuard.reason(toRefuse: $0) == nil } ?? true }

    /// `https://account.blob.core.windows.net`, `http://127.0.0.1:10000/account`
    package var url: String { "\(scheme.rawValue)://\(authority)\(isInPath ? "/\(account)" : "")" }

    /// The path of a container, or of a blob of it; percent-encoded.
    ///
    /// - Parameter container: Empty for the account itself.
    func path(_ container: String, blob: String? = nil) -> String {
        var path = isInPath ? "/\(account)" : ""
        guard !container.isEmpty else { return path + "/" }
        path += "/\(container)"
        if let blob { path += "/\(PercentCoding.encode(path: blob))" }
        return path
    }
}
