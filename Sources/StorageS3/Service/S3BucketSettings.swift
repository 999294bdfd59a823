import MirrorCore
import MirrorSettings
package import MirrorStorage
import StorageCloud

/// A bucket of AWS S3, or of a server with the same protocol, and how to reach it.
package struct S3BucketSettings: StorageSettings {
    package var name: String
    package var endpoint: S3Endpoint
    package var credentials: S3CredentialSettings = .chain

    /// Whether both are the same bucket, however they are reached.
    func isSame(as other: S3BucketSettings) -> Bool {
        // AWS's bucket names are globally unique; elsewhere each endpoint has its own.
        name == other.name && (endpoint.url == other.endpoint.url || endpoint.isAWS && other.endpoint.isAWS)
    }

    package func clash(with other: S3BucketSettings, called name: String) -> SettingsClash? {
        isSame(as: other) ? SettingsClash(key: "bucket", message: "is already the bucket of \(name)") : nil
    }

    package var plainHTTPKey: String? { endpoint.scheme == .http ? "endpoint" : nil }
}

extension S3BucketSettings {
    /// The signing region for servers that ignore regions.
    static let defaultRegion = "us-east-1"

    /// Reads the keys that identify a bucket and say how to reach it.
    ///
    /// - Parameter fallbackRegion: The signing region if the file names none; `nil` makes the key required for AWS.
    /// - Returns: `nil` after recording a problem.
    static func read(_ reader: SettingsReader, example: String, fallbackRegion: String?) -> S3BucketSettings? {
        let name = reader.required("bucket", .bucketName, example: example, doc: "The bucket's name.")
        var endpoint: ArtifactURL?
        reader.value(
            "endpoint", &endpoint, .endpoint, defaultNote: "AWS's endpoint for the region", example: "https://s3.example.org",
            doc: "The server, if it is not AWS: scheme, host and port.")
        var region: String?
        reader.value(
            "region", &region, .signingRegion, defaultNote: "the region in the pool's name", example: "eu-central-1",
            doc: "The region that requests are signed for, if it is not the region in the pool's name (R2 requires `auto`).")
        var addressing: S3Endpoint.Addressing?
        reader.value(
            "addressing", &addressing, .choice(), defaultNote: "virtual for AWS, path for other endpoints and for bucket names with a dot",
            example: "path", doc: "Whether the bucket's name is part of the host name (`virtual`) or of the path (`path`).")
        var dualStack = false
        reader.value("dualStack", &dualStack, .boolean, doc: "Use AWS's dual-stack endpoints, which can also be reached over IPv6.")
        let credentials = S3CredentialSettings.read(reader)

        if dualStack, endpoint != nil {
            reader.report("is for AWS only; the addresses of another endpoint are those that its name resolves to", key: "dualStack")
        }
        guard let name else { return nil }
        // AWS User Guide, "General purpose bucket naming rules"; other servers allow more.
        let isHostLabel = Self.isHostName(name)
        if endpoint == nil, !isHostLabel {
            reader.report(
                "'\(name)' is not a valid AWS bucket name; write 3 to 63 of a-z 0-9 - . that begin and end with a letter or digit",
                key: "bucket"
            )
            return nil
        }
        if region == nil, fallbackRegion == nil, endpoint == nil {
            reader.report("is missing; write region: us-west-2", key: "region")
            return nil
        }
        let hasDot = name.utf8.contains(UInt8(ascii: "."))
        if addressing == .virtual {
            if !isHostLabel {
                reader.report("'\(name)' cannot be part of a host name; write `path`", key: "addressing")
            } else if hasDot, endpoint?.scheme != .http {
                reader.report(
                    "no certificate covers host names that begin with '\(name)', because it has a dot; write `path`", key: "addressing")
            }
        }
        let signed = region ?? fallbackRegion ?? defaultRegion
        return S3BucketSettings(
            name: name,
            endpoint: endpoint.map { S3Endpoint(url: $0, region: signed, addressing: addressing) }
                ?? .aws(region: signed, dualStack: dualStack, addressing: addressing ?? .virtual),
            credentials: credentials)
    }

    private static func isHostName(_ name: String) -> Bool {
        (3...63).contains(name.utf8.count) && IPAddress(name) == nil
            && name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { S3Endpoint.isHostLabel($0) }
    }
}
