import MirrorCore
import MirrorSystem

/// The name of a process that copies, in leases, in the list of copiers and in the log: its machine, and a number that distinguishes it
/// from others there.
enum WorkerName {
    private static let maxHost = 64

    static func make() -> String {
        make(host: HostName.current, number: .random(in: .min ... .max))
    }

    /// - Parameter host: Only its letters, digits, `-` and `.` are kept.
    static func make(host: String, number: UInt16) -> String {
        let kept = host.unicodeScalars.filter {
            $0.isASCII && ($0.properties.isAlphabetic || ("0"..."9").contains($0) || "-.".contains(Character($0)))
        }
        let name = String(String.UnicodeScalarView(kept.prefix(maxHost)))
        return "\(name.isEmpty ? "worker" : name)-\(Hex.encode([UInt8(number >> 8), UInt8(number & 0xFF)]))"
    }
}
