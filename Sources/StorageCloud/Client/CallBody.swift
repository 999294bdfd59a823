package import MirrorNet
package import MirrorStorage
package import NIOCore

/// The body of a request to a service.
package enum CallBody: Sendable {
    case none
    case bytes([ByteBuffer])
    /// Sent only once: if that fails, it is not repeated here.
    case stream(ByteStream, length: Int64)

    /// Bytes.
    package var length: Int64 {
        switch self {
        case .none: 0
        case .bytes(let buffers): buffers.reduce(0) { $0 + Int64($1.readableBytes) }
        case .stream(_, let length): length
        }
    }

    /// Whether the request can be sent again.
    package var mayRepeat: Bool {
        if case .stream = self { false } else { true }
    }

    /// As it is sent.
    package var content: ServiceRequest.Body {
        switch self {
        case .none: .none
        case .bytes(let buffers): .bytes(buffers)
        case .stream(let stream, let length): .stream(ServiceBody(stream), length: length)
        }
    }
}

extension WriteCondition {
    /// The condition as HTTP itself has it (RFC 9110 §13.1.2).
    package var headers: [(name: String, value: String)] {
        switch self {
        case .none: []
        case .absent: [("if-none-match", "*")]
        }
    }
}
