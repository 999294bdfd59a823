/// A provider that publishes where its addresses are used.
package enum Cloud: String, Sendable, CaseIterable {
    case aws, google, azure

    /// The first word of the names of its pools.
    package var service: String {
        switch self {
        case .aws: "s3"
        case .google: "gcs"
        case .azure: "azure"
        }
    }

    /// The name that is shown to users.
    package var title: String {
        switch self {
        case .aws: "AWS"
        case .google: "Google"
        case .azure: "Azure"
        }
    }
}
