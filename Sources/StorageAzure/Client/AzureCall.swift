import MirrorCore
import MirrorStorage
import NIOCore
import NIOHTTP1
package import StorageCloud

package typealias AzureCall = CloudCall<AzurePlace>

/// The target of a request.
package enum AzurePlace: CallPlace {
    case account
    /// The container.
    case bucket
    /// A blob's own name, not encoded.
    case object(String)
}

extension CallBody {
    /// The value of `x-ms-content-crc64` for bytes in memory; `nil` for a stream, whose checksum is known at its end.
    var crc64: UInt64? {
        let buffers: [ByteBuffer]
        switch self {
        case .none: buffers = []
        case .bytes(let held): buffers = held
        case .stream: return nil
        }
        var crc = CRC64NVME()
        for buffer in buffers { buffer.withUnsafeReadableBytes { crc.update($0) } }
        return crc.value
    }
}

/// How the service writes a CRC-64: in base64, the least significant byte first.
enum AzureCRC64 {
    static func text(_ value: UInt64) -> String { Base64.encode(CRC64NVME.bytes(of: value.byteSwapped)) }

    static func value(_ text: String) -> UInt64? {
        guard let bytes = Base64.decode(text), bytes.count == 8 else { return nil }
        return bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}

package typealias AzureAnswer = ServiceAnswer<AzureFailure>
