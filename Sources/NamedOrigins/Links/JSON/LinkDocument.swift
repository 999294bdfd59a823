import MirrorCore

/// Where the links are in a JSON document, and the digests of what they lead to.
///
/// A role is the meaning of the part of a document that a value belongs to. Parts without a role are skipped entirely.
enum LinkRole: UInt8 {
    /// The whole of a Python index's page (PEP 691).
    case pythonPage
    /// `files` in it.
    case pythonFiles
    /// One of these.
    case pythonFile
    /// `hashes` in that.
    case pythonHashes
    /// The whole of an npm package, or of one of its versions.
    case npmPackage
    case npmVersions
    case npmVersion
    /// `dist` in a version.
    case npmDist
    /// The whole of a cargo registry's `config.json`.
    case cargoConfig
    /// The whole of a conda channel's `repodata.json`.
    case condaRepodata
    /// `info` in it.
    case condaInfo

    /// The role of a value without further parts.
    enum Leaf {
        /// A link; a digest of its target may be next to it.
        case file
        /// Any other link.
        case link
        /// See ``LinkResolver/resolve(crates:)``.
        case crates
        /// Of the file beside it.
        case sha256
    }

    /// - Parameter key: `nil` for an element of an array.
    /// - Returns: `nil` if it is skipped.
    func child(_ key: [UInt8]?, isObject: Bool) -> LinkRole? {
        switch self {
        case .pythonPage: isObject ? nil : key.isText("files") ? .pythonFiles : nil
        case .pythonFiles: isObject && key == nil ? .pythonFile : nil
        case .pythonFile: isObject && key.isText("hashes") ? .pythonHashes : nil
        case .npmPackage: !isObject ? nil : key.isText("versions") ? .npmVersions : key.isText("dist") ? .npmDist : nil
        case .npmVersions: isObject ? .npmVersion : nil
        case .npmVersion: isObject && key.isText("dist") ? .npmDist : nil
        case .condaRepodata: isObject && key.isText("info") ? .condaInfo : nil
        case .pythonHashes, .npmDist, .cargoConfig, .condaInfo: nil
        }
    }

    func leaf(_ key: [UInt8]?) -> Leaf? {
        switch self {
        case .pythonFile: key.isText("url") ? .file : key.isText("provenance") ? .link : nil
        case .pythonHashes: key.isText("sha256") ? .sha256 : nil
        case .npmDist: key.isText("tarball") ? .link : nil
        case .cargoConfig: key.isText("dl") ? .crates : nil
        case .condaInfo: key.isText("base_url") || key.isText("shards_base_url") ? .link : nil
        case .pythonPage, .pythonFiles, .npmPackage, .npmVersions, .npmVersion, .condaRepodata: nil
        }
    }

    /// Whether a file and its digest are in it.
    var hasFile: Bool { self == .pythonFile }
}

extension LinkRole.Leaf {
    /// - Parameter text: What the document says.
    /// - Returns: `nil` for an algorithm that no link states, and for anything that is not a digest.
    func digest(_ text: String) -> Digest? {
        switch self {
        case .sha256: Digest(.sha256, hex: text)
        case .file, .link, .crates: nil
        }
    }
}

extension Optional<[UInt8]> {
    fileprivate func isText(_ text: StaticString) -> Bool {
        guard let self, self.count == text.utf8CodeUnitCount else { return false }
        return self.withUnsafeBytes { $0.begins(with: text) }
    }
}
