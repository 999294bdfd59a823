import MirrorCore
import StorageS3

extension Configuration {
    /// - Returns: Every name that a pool was given, also of pools that something is wrong with, so that nobody is told that they do not exist.
    mutating func readPools(_ reader: ConfigurationReader) -> [PoolID] {
        var named: [PoolID] = []
        var read: [Pool] = []
        reader.requiredSections(
            "pools", named: .pool,
            examples: [("local/dev", "A directory of this machine.", true), ("s3/eu-central-1", Self.s3PoolDoc, false)],
            doc: "Where copies are kept: service/region, and the settings of each. The services are `local` and `s3`."
        ) { id, element in
            named.append(id)
            switch id.service {
            case "local": element.section { Self.readLocal(id, $0, &read) }
            case "s3": element.section { Self.readS3(id, $0, &read) }
            default: element.report("this version has no \(id.service) pools; it has local and s3 ones, such as s3/\(id.region)")
            }
        }
        pools = read
        selection.fallback = named.count == 1 ? .pool(named[0]) : .origin
        return named
    }

    private static let s3PoolDoc =
        "A bucket of AWS S3, or of a server that speaks its protocol. `cloud-mirror pools apply` makes and sets up buckets, `pools check` says "
        + "what is wrong with one."

    private static func readLocal(_ id: PoolID, _ section: ConfigurationReader, _ read: inout [Pool]) {
        let directory = section.required(
            "directory", .path, example: "/var/lib/cloud-mirror/pools/dev",
            doc: "Where the objects are; made if it is not there. Each pool has its own.")
        let retention = readRetention(section, isLocal: true)
        guard let directory else { return }
        for other in read {
            guard case .local(let taken) = other.storage else { continue }
            if taken == directory { return section.report("is the directory of the pool \(other.id) already", key: "directory") }
            if directory.isPath(below: taken) { return section.report("is inside the directory of the pool \(other.id)", key: "directory") }
            if taken.isPath(below: directory) { return section.report("holds the directory of the pool \(other.id)", key: "directory") }
        }
        read.append(Pool(id: id, storage: .local(directory: directory), retention: retention))
    }

    private static func readS3(_ id: PoolID, _ section: ConfigurationReader, _ read: inout [Pool]) {
        let bucket = S3Bucket.read(section, example: "my-mirror-eu-central-1", fallbackRegion: id.region)
        var access = S3Configuration.Access.public
        section.value(
            "access", &access, .choice(),
            doc:
                "How clients read the objects: `public` is for everybody, by plain URLs; `presigned` URLs carry a signature of the mirror's, and end."
        )
        var publicURL: ArtifactURL?
        section.value(
            "publicURL", &publicURL, .locationURL, defaultNote: "the bucket's own URL", example: "https://mirror-cdn.example.org",
            doc:
                "What redirects begin with in place of the bucket's own URL: a CDN, a VPC endpoint, a proxy. With presigned access the server must "
                + "get the `Host` and the path that stand here, as both are signed.")
        var keyPrefix: String?
        section.value(
            "keyPrefix", &keyPrefix, .keyPrefix, example: "cloud-mirror/",
            doc: "Put in front of every key, for a bucket that holds other things, too.")
        let retention = readRetention(section, isLocal: false)
        guard let bucket else { return }
        if access == .presigned, bucket.credentials == .anonymous {
            section.report("cannot be presigned without credentials; remove `credentials: anonymous`", key: "access")
        }
        if bucket.endpoint?.scheme == .http {
            section.warn("is plain HTTP: whoever is on the way can read and change what is copied", key: "endpoint")
        }
        let pool = S3Pool(bucket: bucket, access: access, publicURL: publicURL, keyPrefix: keyPrefix ?? "")
        let same = read.first { other in
            guard case .s3(let other) = other.storage else { return false }
            return other.bucket.isSame(as: bucket) && other.keyPrefix == pool.keyPrefix
        }
        if let same {
            return section.report("is the bucket of the pool \(same.id) already; give each pool its own bucket or keyPrefix", key: "bucket")
        }
        read.append(Pool(id: id, storage: .s3(pool), retention: retention))
    }

    private static func readRetention(_ section: ConfigurationReader, isLocal: Bool) -> Retention {
        var retention = Retention()
        section.section("retention", doc: "How long a replica is worth keeping.") { retention.read($0, isLocal: isLocal) }
        return retention
    }
}

extension String {
    /// Whether this absolute path is below another one, as they are written.
    func isPath(below directory: String) -> Bool {
        directory == "/" ? self != "/" : utf8.starts(with: "\(directory)/".utf8)
    }
}
