/// One of the clouds in which Microsoft has the service: each has accounts, names of hosts and identities of its own.
enum AzureCloud: Sendable, CaseIterable {
    case global
    case china
    case government

    /// Which one a host of the service belongs to; `nil` for others' hosts, such as a private endpoint's or an emulator's.
    ///
    /// - Parameter host: Lower-case.
    init?(host: String) {
        guard let cloud = Self.allCases.first(where: { cloud in cloud.domains.contains { host.hasSuffix(".\($0)") } }) else { return nil }
        self = cloud
    }

    /// What stands behind an account's name in the names of hosts: the usual one first, then that of accounts with a DNS zone of their own.
    ///
    /// - SeeAlso: Azure Storage documentation, "Storage account overview", "Azure Government", "Azure China".
    var domains: [String] {
        switch self {
        case .global: ["blob.core.windows.net", "blob.storage.azure.net"]
        case .china: ["blob.core.chinacloudapi.cn"]
        case .government: ["blob.core.usgovcloudapi.net"]
        }
    }

    /// Who gives out tokens.
    var authority: String {
        switch self {
        case .global: "https://login.microsoftonline.com"
        case .china: "https://login.chinacloudapi.cn"
        case .government: "https://login.microsoftonline.us"
        }
    }
}
