/// One of Microsoft's clouds: each has its own accounts, host names and identities.
enum AzureCloud: Sendable, CaseIterable {
    case global
    case china
    case government

    /// The cloud that a host of the service belongs to; `nil` for other hosts, such as a private endpoint or an emulator.
    ///
    /// - Parameter host: Lower-case.
    init?(host: String) {
        guard let cloud = Self.allCases.first(where: { cloud in cloud.domains.contains { host.hasSuffix(".\($0)") } }) else { return nil }
        self = cloud
    }

    /// The suffixes of host names after an account's name: the usual one first, then the one of accounts with their own DNS zone.
    ///
    /// - SeeAlso: Azure Storage documentation, "Storage account overview", "Azure Government", "Azure China".
    var domains: [String] {
        switch self {
        case .global: ["blob.core.windows.net", "blob.storage.azure.net"]
        case .china: ["blob.core.chinacloudapi.cn"]
        case .government: ["blob.core.usgovcloudapi.net"]
        }
    }

    /// The host that issues tokens.
    var authority: String {
        switch self {
        case .global: "https://login.microsoftonline.com"
        case .china: "https://login.chinacloudapi.cn"
        case .government: "https://login.microsoftonline.us"
        }
    }
}
