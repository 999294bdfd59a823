import MirrorCore
import StorageCloud

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A token as the JSON that Entra ID, the instance metadata service and App Service give.
///
/// Nothing of the document gets into an error, but for the codes of one that says why not.
enum TokenDocument {
    struct Token {
        let text: String
        let expires: Timestamp
    }

    /// Seconds: longer than anybody's token lasts.
    private static let longestLife: Int64 = 366 * 86_400

    /// - Parameter now: When the answer came. What is said to be left of the token's life counts more than the moment when it is said to
    ///   end, because the two clocks may differ.
    /// - Throws: `.invalid`.
    static func parse(_ bytes: [UInt8], at now: Timestamp) throws(CredentialsError) -> Token {
        let fields: Fields
        do {
            fields = try JSONDecoder().decode(Fields.self, from: Data(bytes))
        } catch {
            throw CredentialsError(.invalid, "the answer is not a JSON object with a token as text")
        }
        if let type = fields.type, type.lowercased() != "bearer" {
            throw CredentialsError(.invalid, "the answer's token_type is not Bearer")
        }
        guard let text = fields.token, !text.isEmpty, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw CredentialsError(.invalid, "the answer has no access_token, or one that cannot be sent")
        }
        if let left = fields.expiresIn?.value {
            guard (1...longestLife).contains(left) else {
                throw CredentialsError(.invalid, "the answer's expires_in is not a token's life")
            }
            return Token(text: text, expires: now + .seconds(left))
        }
        guard let end = fields.expiresOn?.value, (1...(1 << 40)).contains(end) else {
            throw CredentialsError(.invalid, "the answer has neither expires_in nor expires_on")
        }
        return Token(text: text, expires: Timestamp(milliseconds: end * 1_000))
    }

    /// Why there is no token: `invalid_client`, and the first line of the words.
    ///
    /// - Returns: `nil` when it says nothing that can be read.
    static func error(_ bytes: [UInt8]) -> (code: String, message: String)? {
        guard let fields = try? JSONDecoder().decode(Failure.self, from: Data(bytes)), let code = fields.error else { return nil }
        // Behind the first line stand identifiers of the request and the time.
        let line = (fields.description ?? "").split(whereSeparator: \.isNewline).first ?? ""
        return (CredentialText.word(code), AzureFailure.cleaned(String(line), limit: 300))
    }

    private struct Fields: Decodable {
        var token: String?
        var type: String?
        var expiresIn: Seconds?
        var expiresOn: Seconds?

        enum CodingKeys: String, CodingKey {
            case token = "access_token"
            case type = "token_type"
            case expiresIn = "expires_in"
            case expiresOn = "expires_on"
        }
    }

    private struct Failure: Decodable {
        var error: String?
        var description: String?

        enum CodingKeys: String, CodingKey {
            case error
            case description = "error_description"
        }
    }

    /// A number, as some write it, or as others do, a text of digits.
    private struct Seconds: Decodable {
        let value: Int64

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let number = try? container.decode(Int64.self) {
                value = number
            } else if let number = Int64(digits: try container.decode(String.self)) {
                value = number
            } else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a number")
            }
        }
    }
}
