import MirrorCore

/// Indexes of packages for programming languages.
extension Preset {
    /// PEP 503, 691, 658 and 740: https://packaging.python.org/en/latest/specifications/simple-repository-api/
    ///
    /// The link to a file states its SHA-256, and the file's metadata has the same link with `.metadata` appended.
    static let pythonRules: [OriginRule] = [
        .mirrored("**/*.metadata", inline: small),
        .mirrored("**/*.provenance", inline: small),
        // A client that reads ranges of a small wheel for its metadata gets it in one answer.
        .mirrored("**/*.whl", inline: small, digest: .link),
        .mirrored("**/*.{tar.gz,zip}", digest: .link),
        // https://docs.pypi.org/api/integrity/: where PyPI has the provenance of files.
        .page("/integrity/{project}/{version}/{file}/provenance"),
        .page("**/simple/", .python),
        .page("**/simple/{project}/", .python),
        .page("**/simple/{project}", .python),
        // Indexes whose pages are not below simple/, such as those of PyTorch.
        .page("**/", .python),
    ]

    /// https://github.com/npm/registry/blob/main/docs/REGISTRY-API.md
    ///
    /// A client that sends `Accept: application/vnd.npm.install-v1+json` gets the short form of a package.
    static let npmRules: [OriginRule] = [
        .mirrored("/{package}/-/*.tgz"),
        .mirrored("/@{scope}/{package}/-/*.tgz"),
        // Questions that are sent by POST; what else is sent below `/-/` changes something.
        .passed("/-/npm/v1/security/**"),
        .passed("/-/**", methods: .read),
        .page("/@{scope}/{package}", .npm),
        // Also `/@scope%2fpackage`, which is one segment.
        .page("/{package}", .npm),
        .page("/{package}/{version}", .npm),
    ]

    /// https://doc.rust-lang.org/cargo/reference/registry-index.html
    ///
    /// `dl` in config.json is rewritten so that cargo puts the checksum of a crate into the link.
    static let cargoRules: [OriginRule] = [
        .page("/config.json", .cargoConfig),
        .mirrored("**/*.crate", digest: .link),
        .mirrored("**/{crate}/{version}/download", digest: .link),
        .page("/{1,2}/{crate}"),
        .page("/{first}/{second}/{crate}"),
    ]

    /// https://go.dev/ref/mod#goproxy-protocol and #checksum-database
    ///
    /// 404 and 410 mean "ask the next proxy", so they are passed on.
    static let goRules: [OriginRule] = [
        .page("/sumdb/**/latest"),
        .page("/sumdb/**/supported"),
        .mirrored("/sumdb/**/{lookup,tile}/**", inline: small, html: true),
        .page("**/@v/list"),
        .page("**/@latest"),
        .mirrored("**/@v/v{version:version}.zip"),
        .mirrored("**/@v/v{version:version}.{mod,info}", inline: small),
        .page("**/@v/*"),
    ]

    /// https://maven.apache.org/repositories/metadata.html
    ///
    /// In a snapshot, only files with a time stamp in their names never change.
    static let mavenRules: [OriginRule] = [
        .page("**/maven-metadata.xml*"),
        .mirrored("**/*-SNAPSHOT/*-{date:digits}.{time:digits}-{build:digits}*.{pom,module,sha1,md5,asc}", inline: small, html: true),
        .mirrored("**/*-SNAPSHOT/*-{date:digits}.{time:digits}-{build:digits}*"),
        .page("**/*-SNAPSHOT/**"),
        .passed("**/", methods: .read),
        .mirrored("**/*.{pom,module,sha1,md5,asc}", inline: small),
        .mirrored("**/*.{jar,aar,war,zip,tar.gz}"),
        OriginRule(preset: "**", .mirrored),
    ]
}
