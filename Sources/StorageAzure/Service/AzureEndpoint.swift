package import MirrorCore
import MirrorNet
import StorageCloud

/// Where the containers of one account are.
package struct AzureEndpoint: ServiceEndpoint {
    package let scheme: ArtifactURL.Scheme
    /// A name or an address; IPv6 without brackets.
    package let host: String
    package let port: Int
    /// The account's name, which is part of signatures.
    package let account: String
    /// Whether the account is in the path instead of the host name, as with emulators.
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

    /// The Microsoft cloud that it is in; `nil` for any other address.
    var cloud: AzureCloud? { AzureCloud(host: host) }

    /// Whether the server behind it reaches the public internet and nothing else; an emulator or an appliance is in the network of its address.
    var isPublic: Bool { IPAddress(host).map { AddressGuard.reason(toRefuse: $0) == nil } ?? true }

    /// `https://account.blob.core.windows.net`, `http://127.0.0.1:10000/account`
    package var url: String { "\(scheme.rawValue)://\(authority)\(isInPath ? "/\(account)" : "")" }

    /// The path of a container, or of one of its blobs, percent-encoded.
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
