import MirrorCore
import StorageCloud

/// The hosts that credentials and tokens may be sent to: Google's, those of the endpoint's universe, and the endpoint itself.
///
/// A credentials file contains the addresses that its secrets are sent to, and may name a file or a program that a secret is taken from. The mirror must not
/// send such a secret to an arbitrary address.
struct GoogleHosts: Sendable, Hashable {
    let endpoint: GCSEndpoint

    /// The domain of the endpoint's universe: `example.org` for `https://storage.example.org`; `nil` if the endpoint is Google's own, or has a different
    /// name.
    private var universe: String? {
        let name = "storage."
        guard endpoint.scheme == .https, !endpoint.isGoogle, endpoint.host.hasPrefix(name) else { return nil }
        return String(endpoint.host.dropFirst(name.count))
    }

    /// The universe that credentials are for.
    ///
    /// - Parameter stated: What a credentials file says; `nil` for Google's own.
    /// - Throws: `.unsupported` for another universe than the endpoint's.
    func universe(_ stated: String?) throws(CredentialsError) -> String {
        guard let stated, stated != GCSEndpoint.googleDomain else { return GCSEndpoint.googleDomain }
        guard stated == universe else {
            throw CredentialsError(
                .unsupported,
                "the credentials are for the universe \(CredentialText.word(stated)), and the endpoint is \(endpoint.url): set `endpoint` to the "
                    + "Cloud Storage of that universe")
        }
        return stated
    }

    /// The address of another service, such as `sts`. An endpoint without TLS is a test server, which plays all of them.
    ///
    /// - Parameter universe: What ``universe(_:)`` gave.
    func address(of service: String, in universe: String = GCSEndpoint.googleDomain) -> String {
        endpoint.scheme == .http ? endpoint.url : "https://\(service).\(universe)"
    }

    /// Reads an address that a document names.
    ///
    /// - Parameter name: Of the member, for messages.
    /// - Throws: `.invalid` for what is not an address of a host that is trusted.
    func address(_ text: String, named name: String) throws(CredentialsError) -> ArtifactURL {
        let url = try ArtifactURL.of(name, text)
        guard isTrusted(url) else {
            throw CredentialsError(
                .invalid, "\(name) leads to \(url.service), which is neither Google's nor the endpoint: nothing is sent there")
        }
        return url
    }

    private func isTrusted(_ url: ArtifactURL) -> Bool {
        if GCSEndpoint(url) == endpoint { return true }
        guard url.scheme == .https, url.port == url.scheme.defaultPort else { return false }
        // Old credentials files have accounts.google.com.
        return Self.isName(url.host, under: GCSEndpoint.googleDomain) || url.host == "accounts.google.com"
            || universe.map { Self.isName(url.host, under: $0) } ?? false
    }

    /// - Parameter host: Lower-case.
    static func isName(_ host: String, under domain: String) -> Bool { host.hasSuffix(".\(domain)") }
}
