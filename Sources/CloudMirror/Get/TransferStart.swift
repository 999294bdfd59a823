import MirrorCore

/// What to do with the bytes of a response, given how many are there already.
enum TransferStart: Equatable {
    /// They continue what is there. `total` is the whole length, if known.
    case append(total: Int64?)
    /// They begin from the first byte.
    case restart(total: Int64?)
    /// What is there is everything.
    case complete
    /// What is there does not fit any more: throw it away and ask again without a range.
    case discard
    case failed(status: Int)

    /// - Parameters:
    ///   - offset: Bytes that are there and that the request asked to continue; 0 for a request without a range.
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
            // The rest was asked for: the range ends where the artifact ends, or the server breaks it up and we ask again.
            self = .append(total: range.total)
        case 416 where offset > 0:
            self = contentRange.flatMap(ContentRange.init)?.total == offset ? .complete : .discard
        default:
            self = .failed(status: status)
        }
    }
}
