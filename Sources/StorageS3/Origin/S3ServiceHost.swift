/// The host names of Amazon S3, including legacy ones.
///
/// - SeeAlso: AWS General Reference, "Amazon Simple Storage Service endpoints and quotas"; Amazon S3 User Guide, "Virtual hosting of general purpose
///   buckets" (legacy endpoints) and "Dual-stack endpoints".
enum S3ServiceHost {
    /// Regions that share a namespace of bucket names.
    enum Partition: String {
        case standard = "aws"
        case china = "aws-cn"
        case government = "aws-us-gov"
    }

    static func partition(of region: some StringProtocol) -> Partition {
        if region.hasPrefix("cn-") { return .china }
        return region.hasPrefix("us-gov-") ? .government : .standard
    }

    /// How URLs of `host` address the bucket; `nil` if the host does not belong to the bucket.
    ///
    /// - Parameter host: Lower-case.
    static func style(host: String, bucket: String, partition: Partition) -> S3Endpoint.Addressing? {
        let domain = partition == .china ? ".amazonaws.com.cn" : ".amazonaws.com"
        guard host.hasSuffix(domain) else { return nil }
        let name = host.dropLast(domain.count)
        if isService(name, partition, hasBucket: false) { return .path }
        let label = "\(bucket)."
        return name.hasPrefix(label) && isService(name.dropFirst(label.count), partition, hasBucket: true) ? .virtual : nil
    }

    private static func isService(_ name: Substring, _ partition: Partition, hasBucket: Bool) -> Bool {
        if name == "s3" { return partition == .standard }
        if name == "s3-external-1" { return partition == .standard }
        if name == "s3-accelerate" || name == "s3-accelerate.dualstack" { return partition == .standard && hasBucket }
        for form in ["s3.dualstack.", "s3-fips.dualstack.", "s3-fips.", "s3-fips-", "s3.", "s3-"] where name.hasPrefix(form) {
            let region = name.dropFirst(form.count)
            return S3Region.isAmazons(region) && Self.partition(of: region) == partition
        }
        return false
    }
}
