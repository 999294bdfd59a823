package import MirrorCore
import MirrorSettings
package import MirrorStorage

/// What a pool in a container has beside the container.
package struct AzurePoolSettings: StorageSettings {
    package var container: AzureContainerSettings
    package var access: AzureConfiguration.Access = .public
    /// What stands in front of keys in locations; `nil` for the container's own URL.
    package var publicURL: ArtifactURL?
    /// Empty, or with a slash at its end.
    package var keyPrefix = ""
    package var pullsURLs = true

    package func clash(with other: AzurePoolSettings, called name: String) -> SettingsClash? {
        guard container.isSame(as: other.container), keyPrefix == other.keyPrefix else { return nil }
        return SettingsClash(
            key: "container", message: "is already the container of \(name); give each pool its own container or keyPrefix")
    }
}

extension AzurePoolSettings {
    /// - Returns: `nil` after recording a problem.
    static func read(_ section: SettingsReader) -> AzurePoolSettings? {
        let container = AzureContainerSettings.read(section, containers: .containerName, example: "mirror")
        var access = AzureConfiguration.Access.public
        section.value(
            "access", &access, .choice(),
            doc:
                "How clients read the objects: `public` objects can be read by everyone, at plain URLs; `presigned` URLs carry a "
                + "shared access signature (SAS) by the mirror, and expire."
        )
        var publicURL: ArtifactURL?
        section.value(
            "publicURL", &publicURL, .locationURL, defaultNote: "the container's own URL", example: "https://mirror-cdn.example.org",
            doc:
                "What redirects begin with in place of the container's own URL: a CDN, a proxy. With presigned access the server must "
                + "pass the query on to the container.")
        var keyPrefix: String?
        section.value(
            "keyPrefix", &keyPrefix, .blobPrefix, example: "cloud-mirror/",
            doc: "Prefix of every key, for a container that also holds other things.")
        var pullsURLs = true
        section.value(
            "serverSideFetch", &pullsURLs, .boolean,
            doc:
                "Let Azure itself fetch artifacts of several parts from wherever they are, so that their bytes do not pass through the "
                + "mirror. Their SHA-256 is not known then. What Azure cannot fetch passes through the mirror.")
        guard let container else { return nil }
        if access == .presigned, !container.credentials.canSign {
            section.report(
                container.credentials == .anonymous
                    ? "cannot be presigned without credentials; remove `credentials: anonymous`"
                    : "cannot be presigned with a SAS token, which clients would get; use an account key, or an identity",
                key: "access")
        }
        if let key = container.plainHTTPKey {
            section.warn("uses plain HTTP: anyone on the network path can read and change what is copied", key: key)
        }
        return AzurePoolSettings(
            container: container, access: access, publicURL: publicURL, keyPrefix: keyPrefix ?? "", pullsURLs: pullsURLs)
    }
}
