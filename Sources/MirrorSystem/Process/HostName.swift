import CLibrary

/// The name of this machine.
package enum HostName {
    /// Empty if unknown.
    package static var current: String {
        var bytes = [CChar](repeating: 0, count: 256)
        // A name that does not fit may not end with a 0.
        guard gethostname(&bytes, bytes.count - 1) == 0 else { return "" }
        return String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
