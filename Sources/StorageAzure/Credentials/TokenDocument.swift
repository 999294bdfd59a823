import MirrorCore
import StorageCloud

/// A token, as the JSON that Entra ID, the instance metadata service and App Service return.
///
/// Nothing from the document gets into an error, except the codes of an error document.
enum TokenDocument {
    struct Token {
        let text: String
        let expires: Timestamp
    }

    /// In seconds; longer than any token lasts.
    private static let longestLife: Int64 = 366 * 86_400

    /// - Parameter now: When the answer arrived. The stated remaining life of the token takes precedence over the stated expiry time, because the two
    ///   clocks may differ.
    /// - Throws: `.invalid`.
    static func parse(_ bytes: [UInt8], at now: Timestamp) throws(CredentialsError) -> Token {
        let fields = try JSONFields(bytes, of: "the answer")
        if let type = try fields.text("token_type"), type.lowercased() != "bearer" {
            throw CredentialsError(.invalid, "the answer's token_type is not Bearer")
        }
        let text = try fields.requiredSecret("access_token")
        if let left = try fields.number("expires_in") {
            guard (1...longestLife).contains(left) else {
                throw CredentialsError(.invalid, "the answer's expires_in is not a token's life")
            }
            return Token(text: text, expires: now + .seconds(left))
        }
        guard let end = try fields.number("expires_on"), (1...(1 << 40)).contains(end) else {
            throw CredentialsError(.invalid, "the answer has neither expires_in nor expires_on")
        }
        return Token(text: text, expires: Timestamp(milliseconds: end * 1_000))
    }

    /// Why there is no token: `invalid_client`, and the first line of the description.
    ///
    /// - Returns: `nil` if the document cannot be read.
    static func error(_ bytes: [UInt8]) -> (code: String, message: String)? {
        guard let fields = try? JSONFields(bytes, of: "the answer"), let code = try? fields.text("error") else { return nil }
        // The first line is followed by identifiers of the request and the time.
        let line = (try? fields.text("error_description"))?.split(whereSeparator: \.isNewline).first ?? ""
        return (code, AzureFailure.cleaned(String(line), limit: 300))
    }
}
