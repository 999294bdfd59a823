import MirrorCore
import MirrorStorage

/// What a pool's service reads by itself, so that no byte passes through here.
enum ServiceSource: Sendable {
    /// An object of another bucket of the service.
    case bucket(CopySource)
    /// Whatever answers GET.
    case url(URLSource)

    /// Bytes.
    var size: Int64 {
        switch self {
        case .bucket(let source): source.size
        case .url(let source): source.size
        }
    }

    /// For logs, which a signature does not belong in.
    var place: String {
        switch self {
        case .bucket(let source): source.bucket
        case .url(let source): "\(source.url.scheme.rawValue)://\(source.url.authority)"
        }
    }
}
