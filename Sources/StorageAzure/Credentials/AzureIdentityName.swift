import MirrorCore

/// Names of Entra ID, which become parts of URLs and tokens.
enum AzureIdentityName {
    /// An identifier or a domain; a reserved word of Entra ID (`organizations`) does not name a tenant that could have an application.
    static func isTenant(_ text: String) -> Bool { isWord(text) && !text.hasPrefix(".") && !text.contains("..") }

    static func isClient(_ text: String) -> Bool { isWord(text) }

    private static func isWord(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                byte.asciiLowercased.isASCIILowercaseOrDigit
                    || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
            }
    }
}
