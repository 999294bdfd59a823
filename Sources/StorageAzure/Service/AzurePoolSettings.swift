import MirrorCore
import MirrorSettings
package import MirrorStorage

/// The settings of a pool besides its container.
package struct AzurePoolSettings: StorageSettings {
    package var container: AzureContainerSettings
    package var reading = BucketReading()
    package var pullsURLs = true

    package func clash(with other: AzurePoolSettings, called name: String) -> SettingsClash? {
        guard container.isSame(as: other.container), reading.keyPrefix == other.reading.keyPrefix else { return nil }
        return SettingsClash(
            key: "container", message: "is already the container of \(name); give each pool its own container or keyPrefix")
    }
}

extension AzurePoolSettings {
    /// - Returns: `nil` after recording a problem.
    static func read(_ section: SettingsReader) -> AzurePoolSettings? {
        let container = AzureContainerSettings.read(section, containers: .containerName, example: "mirror")
        let reading = BucketReading.read(
            section, prefix: .blobPrefix,
            .init(
                bucket: "container", signature: "a shared access signature (SAS) by the mirror, and expire.", servers: "a CDN, a proxy",
                duty: "pass the query on to the container."))
        var pullsURLs = true
        section.value(
            "serverSideFetch", &pullsURLs, .boolean,
            doc:
                "Let Azure itself fetch artifacts of several parts from their origins, so that their bytes do not pass through the mirror. "
                + "Their SHA-256 is then unknown. Artifacts that Azure cannot fetch pass through the mirror.")
        guard let container else { return nil }
        if reading.access == .presigned, !container.credentials.canSign {
            section.report(
                container.credentials == .anonymous
                    ? "cannot be presigned without credentials; remove `credentials: anonymous`"
                    : "cannot be presigned with a SAS token, which clients would get; use an account key, or an identity",
                key: "access")
        }
        container.warnOfPlainHTTP(section)
        return AzurePoolSettings(
            container: container, reading: reading, pullsURLs: pullsURLs)
    }
}
