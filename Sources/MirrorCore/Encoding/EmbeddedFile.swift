import CResources

/// A large file that this program comes with.
///
/// C embeds it, because Swift would compile it as an array of so many expressions: a quarter of a millisecond for each byte.
package enum EmbeddedFile {
    /// The lists of `CloudRegions`.
    case cloudRegions
    /// The description of the HTTP interface.
    case openAPI
    /// The list prices of `Retention`.
    case prices

    /// A copy.
    package var bytes: [UInt8] {
        let file =
            switch self {
            case .cloudRegions: c_resources_cloud_regions()
            case .openAPI: c_resources_openapi()
            case .prices: c_resources_prices()
            }
        return Array(UnsafeBufferPointer(start: file.bytes, count: file.count))
    }
}
