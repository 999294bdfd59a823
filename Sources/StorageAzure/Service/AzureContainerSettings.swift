import MirrorCore
import MirrorSettings
package import MirrorStorage

/// A container of a storage account, and how it is reached.
package struct AzureContainerSettings: StorageSettings {
    package var name: String
    /// Where the account is.
    package var endpoint: AzureEndpoint
    package var credentials: AzureCredentialSettings = .chain

    /// Whether both are the same container, however it is reached.
    func isSame(as other: AzureContainerSettings) -> Bool {
        guard endpoint.account == other.endpoint.account, name == other.name else { return false }
        // Account names are unique in a cloud; elsewhere each server has its own.
        return endpoint.cloud.map { $0 == other.endpoint.cloud } ?? (endpoint == other.endpoint)
    }

    package func clash(with other: AzureContainerSettings, called name: String) -> SettingsClash? {
        isSame(as: other) ? SettingsClash(key: "container", message: "is already the container of \(name)") : nil
    }

    package var plainHTTPKey: String? { endpoint.scheme == .http ? "endpoint" : nil }
}

extension AzureContainerSettings {
    /// Reads the keys that name a container and say how it is reached.
    ///
    /// - Returns: `nil` after recording a problem.
    static func read(_ reader: SettingsReader, containers: SettingKind<String>, example: String) -> AzureContainerSettings? {
        let account = reader.required("account", .accountName, example: "mymirror", doc: "The storage account's name.")
        let name = reader.required("container", containers, example: example, doc: "The container's name.")
        var endpoint: ArtifactURL?
        reader.value(
            "endpoint", &endpoint, .locationURL, defaultNote: "https://ACCOUNT.blob.core.windows.net",
            example: "https://mymirror.blob.core.chinacloudapi.cn",
            doc:
                "Where the account's blobs are, if not in the public cloud: another cloud, a private endpoint with its own name, or an "
                + "emulator, which has the account in the path (`http://127.0.0.1:10000/devstoreaccount1`).")
        let credentials = AzureCredentialSettings.read(reader)
        guard let account, let name else { return nil }
        var server = AzureEndpoint(account: account)
        if let endpoint {
            guard let own = AzureEndpoint(endpoint, account: account) else {
                reader.report(
                    "has a path other than the account; write \(endpoint.scheme.rawValue)://\(endpoint.authority)", key: "endpoint")
                return nil
            }
            server = own
            // The account's name is part of a host name of the service.
            if server.cloud != nil, !server.host.hasPrefix("\(account).") {
                reader.report("is not of the account \(account); its host begins with \(account).", key: "endpoint")
                return nil
            }
        }
        return AzureContainerSettings(name: name, endpoint: server, credentials: credentials)
    }
}
