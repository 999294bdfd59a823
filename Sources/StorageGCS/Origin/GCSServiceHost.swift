import MirrorCore
import StorageCloud

/// The host names under which Cloud Storage has buckets, today and of old.
///
/// - SeeAlso: Cloud Storage, "Request endpoints", "Regional endpoints".
enum GCSServiceHost {
    /// Where the bucket is in a URL.
    enum Form {
        case bucketInHost
        /// In the first segment, or where the JSON API has it.
        case bucketInPath
        /// Where the JSON API has it, and nowhere else.
        case jsonAlone
    }

    /// - Returns: `nil` when the host is none of the bucket's.
    static func form(of site: ArtifactURL, bucket: String, endpoint: GCSEndpoint) -> Form? {
        if site.isPort(endpoint.port, of: endpoint.scheme), site.host == endpoint.host { return .bucketInPath }
        guard endpoint.isGoogle, site.port == site.scheme.defaultPort else { return nil }
        if isService(site.host) || site.host == "storage.cloud.google.com" { return .bucketInPath }
        if site.host == "www.googleapis.com" { return .jsonAlone }
        let label = "\(bucket)."
        guard site.host.hasPrefix(label), isService(String(site.host.dropFirst(label.count))) else { return nil }
        return .bucketInHost
    }

    private static func isService(_ host: String) -> Bool {
        let domain = ".\(GCSEndpoint.googleDomain)"
        guard host.hasSuffix(domain) else { return false }
        let name = host.dropLast(domain.count)
        if ["storage", "storage-download", "commondatastorage", "storage.mtls"].contains(name) { return true }
        // `storage.me-central2.rep.googleapis.com`
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        return labels.count == 3 && labels[0] == "storage" && !labels[1].isEmpty && labels[2] == "rep"
    }
}
