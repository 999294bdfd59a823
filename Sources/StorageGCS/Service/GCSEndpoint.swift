package import MirrorCore
import StorageCloud

/// Where Cloud Storage is reached. Buckets are always in the path: `https://storage.googleapis.com/bucket/object`.
package struct GCSEndpoint: ServiceEndpoint {
    package var scheme: ArtifactURL.Scheme
    /// A name or an address; IPv6 without brackets.
    package var host: String
    package var port: Int

    package init(scheme: ArtifactURL.Scheme, host: String, port: Int? = nil) {
        self.scheme = scheme
        self.host = host
        self.port = port ?? scheme.defaultPort
    }

    /// - Parameter url: Scheme, host and port of it count.
    package init(_ url: ArtifactURL) {
        self.init(scheme: url.scheme, host: url.host, port: url.port)
    }

    /// Google's own.
    package static let google = GCSEndpoint(scheme: .https, host: "storage.\(googleDomain)")

    static let googleDomain = "googleapis.com"

    /// Whether the service is Google's own, at whichever of its names.
    package var isGoogle: Bool { GoogleHosts.isName(host, under: Self.googleDomain) }

    /// The part of a path before a key.
    func path(ofKey key: String, in bucket: String) -> String { "\(path(of: bucket))/\(PercentCoding.encode(path: key))" }

    func path(of bucket: String) -> String { "/\(PercentCoding.encode(bucket))" }
}
