package import MirrorCore

/// The service's own name of an object in a bucket.
package struct BucketObject<Version: Sendable & Hashable>: Sendable, Hashable {
    /// Not encoded.
    package var key: String
    /// `nil` for the newest.
    package var version: Version?

    package init(key: String, version: Version? = nil) {
        self.key = key
        self.version = version
    }
}

/// The URLs that refer to objects of one bucket: reads all spellings, and writes one.
package protocol BucketURLs<Version>: Sendable {
    associatedtype Version: Sendable, Hashable

    /// Everything before the key in a URL that is written.
    var base: String { get }

    /// The parameter of a query that names a version; not encoded.
    static func parameter(_ version: Version) -> (name: String, value: String)

    /// The object that a URL refers to.
    ///
    /// - Returns: `nil` if it is not in this bucket.
    func object(_ text: String) -> BucketObject<Version>?
}

extension BucketURLs {
    /// The only URL that is written for an object.
    ///
    /// - Returns: `nil` if no URL can contain the key unchanged.
    package func url(of object: BucketObject<Version>) -> ArtifactURL? {
        let text = base + PercentCoding.encode(path: object.key) + Self.query(object.version)
        guard !object.key.isEmpty, let url = try? ArtifactURL(text), url.description == text else { return nil }
        return url
    }

    /// With the question mark; empty for the newest version.
    package static func query(_ version: Version?) -> String {
        version.map(parameter).map { "?\($0.name)=\(PercentCoding.encode($0.value))" } ?? ""
    }
}
