import CLibrary

/// The name of this machine.
package enum HostName {
    /// Empty where that is not known.
    package static var current: String {
        var bytes = [CChar](repeating: 0, count: 256)
        // One that does not fit may come without a 0 at its end.
        guard gethostname(&bytes, bytes.count - 1) == 0 else { return "" }
        return String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
