import MirrorCore
import MirrorStorage

/// What a pool's service reads by itself, so that no byte passes through this process.
enum ServiceSource: Sendable {
    /// An object in another bucket of the service.
    case bucket(CopySource)
    /// A URL that answers GET.
    case url(URLSource)

    /// In bytes.
    var size: Int64 {
        switch self {
        case .bucket(let source): source.size
        case .url(let source): source.size
        }
    }

    /// For logs, so without any signature.
    var place: String {
        switch self {
        case .bucket(let source): source.bucket
        case .url(let source): "\(source.url.scheme.rawValue)://\(source.url.authority)"
        }
    }
}
