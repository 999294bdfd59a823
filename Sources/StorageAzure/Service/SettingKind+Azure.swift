import MirrorCore
import MirrorSettings
import MirrorStorage

extension SettingKind where Value == String {
    /// Azure documentation, "Storage account overview".
    static var accountName: Self {
        checkedName("is not the name of a storage account; write 3 to 24 of a-z and 0-9") {
            (3...24).contains($0.count) && $0.allSatisfy(\.isASCIILowercaseOrDigit)
        }
    }

    /// Blob service REST API, "Naming and Referencing Containers, Blobs, and Metadata".
    static var containerName: Self {
        checkedName(containerProblem) { isContainer($0) }
    }

    /// The same, and the containers that the service itself has names for. Blobs in `$root` have no slash in their names.
    static var originContainerName: Self {
        checkedName(containerProblem) { text in isContainer(text) || ["$root", "$web"].contains { text.elementsEqual($0.utf8) } }
    }

    private static var containerProblem: String {
        "is not the name of a container; write 3 to 63 of a-z and 0-9, with single hyphens between them"
    }

    private static func isContainer(_ text: String.UTF8View) -> Bool {
        let words = text.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        return (3...63).contains(text.count) && words.allSatisfy { !$0.isEmpty && $0.allSatisfy(\.isASCIILowercaseOrDigit) }
    }

    /// A tenant of Entra ID: an identifier, or a domain.
    static var tenantID: Self {
        checkedName("is not a tenant; write its ID or its domain") { AzureIdentityName.isTenant(String($0)) }
    }

    /// The client ID of an application or of a managed identity.
    static var clientID: Self {
        checkedName("is not a client ID; write one such as 00000000-0000-0000-0000-000000000000") {
            AzureIdentityName.isClient(String($0))
        }
    }

    /// The prefix of keys, with a slash at its end. The service removes a dot before a slash.
    static var blobPrefix: Self {
        keyPrefix.checked { $0.contains("./") ? "has a folder that ends with a dot; Azure removes the dot" : nil }
    }
}

extension SettingKind where Value == Secret {
    static var accountKey: Self {
        token.checked { SharedKey.bytes($0.value) == nil ? "is not the key of a storage account; it is base64" : nil }
    }

    static var sasToken: Self {
        token.checked { AzureSASToken($0.value) == nil ? "is not a SAS token; it has sig= and sv=, and is written without the URL" : nil }
    }
}
