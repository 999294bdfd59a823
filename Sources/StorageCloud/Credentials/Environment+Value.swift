#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension [String: String] {
    /// The environment that this process was started with. No other code in the storage modules reads it.
    package static var ofThisProcess: [String: String] { ProcessInfo.processInfo.environment }

    /// The value of a variable that is set and not empty.
    package func value(_ name: String) -> String? {
        guard let value = self[name], !value.isEmpty else { return nil }
        return value
    }
}
