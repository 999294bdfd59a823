package import MirrorCore
import StorageCloud

/// The endpoint of an S3 service, and how its URLs address buckets.
package struct S3Endpoint: ServiceEndpoint {
    package enum Addressing: String, Sendable, Hashable, CaseIterable {
        /// `https://bucket.s3.region.amazonaws.com/key`
        case virtual
        /// `https://s3.region.amazonaws.com/bucket/key`
        case path
    }

    package var scheme: ArtifactURL.Scheme
    /// A name or an address; IPv6 without brackets.
    package var host: String
    package var port: Int
    package var region: String
    package var addressing: Addressing

    /// Amazon's own service in a region.
    ///
    /// - Parameter dualStack: Whether to use the host name that has IPv6 addresses, too.
    package static func aws(region: String, dualStack: Bool = false, addressing: Addressing = .virtual) -> S3Endpoint {
        // Amazon S3 User Guide, "Amazon S3 Regions and endpoints"; the regions of China are a partition with its own domain.
        let domain = region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
        return S3Endpoint(
            scheme: .https, host: "s3.\(dualStack ? "dualstack." : "")\(region).\(domain)",
            port: ArtifactURL.Scheme.https.defaultPort, region: region, addressing: addressing)
    }

    /// Whether this is Amazon's own service, in any region.
    package var isAWS: Bool { Self.partition(host: host) != nil }

    /// How to address a bucket: the host to connect to, the `Host` field, and the prefix of a key in the path.
    ///
    /// A bucket whose name is not a single host name label is always addressed by path, because no certificate covers `a.b.s3.…`.
    package func address(bucket: String) -> (host: String, hostField: String, pathPrefix: String) {
        guard addressing == .virtual, (3...63).contains(bucket.utf8.count), Self.isHostLabel(bucket[...]), IPAddress(host) == nil
        else { return (host, authority, "/\(PercentCoding.encode(bucket))/") }
        let host = "\(bucket).\(host)"
        return (host, authority(of: host), "/")
    }

    /// The same service in another region, if the host name contains the region in Amazon's form.
    ///
    /// - Parameter region: The region that the service stated.
    /// - Returns: `nil` if it is not a region of the service. So the service cannot send us to a host of its choice, nor send the credentials of one
    ///   of Amazon's partitions to another.
    package func moved(to region: String) -> S3Endpoint? {
        guard S3Region.isName(region) else { return nil }
        var moved = self
        moved.region = region
        guard isAWS else { return moved }
        guard S3Region.isAmazons(region), S3ServiceHost.partition(of: region) == S3ServiceHost.partition(of: self.region) else {
            return nil
        }
        let isDualStack = host.contains(".dualstack.")
        moved.host = S3Endpoint.aws(region: region, dualStack: isDualStack).host
        return moved
    }

    /// Amazon's partition that a host belongs to; nothing can be copied between partitions. `nil` for other hosts.
    static func partition(host: String) -> S3ServiceHost.Partition? {
        if host.hasSuffix(".amazonaws.com.cn") { return .china }
        guard host.hasSuffix(".amazonaws.com") else { return nil }
        return host.contains("us-gov-") ? .government : .standard
    }

    /// Amazon S3 User Guide, "General purpose bucket naming rules", for the text between dots.
    static func isHostLabel(_ text: Substring) -> Bool {
        let bytes = text.utf8
        return bytes.allSatisfy { $0.isASCIILowercaseOrDigit || $0 == UInt8(ascii: "-") }
            && bytes.first.map(\.isASCIILowercaseOrDigit) == true && bytes.last.map(\.isASCIILowercaseOrDigit) == true
    }
}

extension S3Endpoint {
    /// - Parameter url: Only its scheme, host and port are used.
    /// - Parameter addressing: By default by path for hosts that are not Amazon's, because few other services have host names for buckets.
    package init(url: ArtifactURL, region: String, addressing: Addressing? = nil) {
        self.init(
            scheme: url.scheme, host: url.host, port: url.port, region: region,
            addressing: addressing ?? (Self.partition(host: url.host) == nil ? .path : .virtual))
    }
}
