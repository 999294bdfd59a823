#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
import MirrorCore

/// How a process that copies is called in leases, in the list of copiers and in the log: by its machine, and by a number that tells it
/// from others there.
enum WorkerName {
    private static let maxHost = 64

    static func make() -> String {
        make(host: hostName(), number: .random(in: .min ... .max))
    }

    /// - Parameter host: Of which letters, digits, `-` and `.` are kept.
    static func make(host: String, number: UInt16) -> String {
        let kept = host.unicodeScalars.filter {
            $0.isASCII && ($0.properties.isAlphabetic || ("0"..."9").contains($0) || "-.".contains(Character($0)))
        }
        let name = String(String.UnicodeScalarView(kept.prefix(maxHost)))
        return "\(name.isEmpty ? "worker" : name)-\(Hex.encode([UInt8(number >> 8), UInt8(number & 0xFF)]))"
    }

    private static func hostName() -> String {
        var bytes = [CChar](repeating: 0, count: 256)
        // One that does not fit may come without a 0 at its end.
        guard gethostname(&bytes, bytes.count - 1) == 0 else { return "" }
        return String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
