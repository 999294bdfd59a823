import MirrorCore

/// What to do with the bytes of a response, given how many have been downloaded already.
enum TransferStart: Equatable {
    /// They continue the existing bytes. `total` is the whole length, if known.
    case append(total: Int64?)
    /// They start at the first byte.
    case restart(total: Int64?)
    /// The existing bytes are complete.
    case complete
    /// The existing bytes no longer fit: discard them and ask again without a range.
    case discard
    case failed(status: Int)

    /// - Parameters:
    ///   - offset: Existing bytes, which the request asked to continue; 0 for a request without a range.
    ///   - contentRange: The `Content-Range` field.
    ///   - contentLength: The `Content-Length` field.
    init(status: Int, offset: Int64, contentRange: String?, contentLength: String?) {
        switch status {
        case 200:
            self = .restart(total: contentLength.flatMap { Int64($0) })
        case 206:
            guard offset > 0, let range = contentRange.flatMap(ContentRange.init), let bytes = range.bytes, bytes.offset == offset
            else {
                self = .discard
                return
            }
            // The request asked for the rest. The range ends at the artifact's end, or the server splits it and we ask again.
            self = .append(total: range.total)
        case 416 where offset > 0:
            self = contentRange.flatMap(ContentRange.init)?.total == offset ? .complete : .discard
        default:
            self = .failed(status: status)
        }
    }
}
