import MirrorCore
import StorageCloud

/// Signs requests with the key of an account.
///
/// - SeeAlso: Azure Storage REST API, "Authorize with Shared Key".
enum SharedKeySigner {
    /// The fields that are signed without their names, in the order in which they are signed.
    private static let standardFields = [
        "content-encoding", "content-language", "content-length", "content-md5", "content-type", "date", "if-modified-since", "if-match",
        "if-none-match", "if-unmodified-since", "range",
    ]

    /// The value of `Authorization`.
    ///
    /// - Parameter request: With all of its `x-ms-` fields, of which `x-ms-date` is one.
    /// - Parameter contentLength: Bytes of the body.
    static func authorization(for request: SignableRequest, contentLength: Int64, key: SharedKey) -> String {
        let text = stringToSign(request, contentLength: contentLength, account: key.account)
        return "SharedKey \(key.account):\(key.signature(of: text))"
    }

    static func stringToSign(_ request: SignableRequest, contentLength: Int64, account: String) -> String {
        var text = request.method
        for name in standardFields {
            text += "\n"
            if name == "content-length" {
                if contentLength > 0 { text += "\(contentLength)" }
            } else {
                text += request.header(name) ?? ""
            }
        }
        text += "\n"
        // The service sorts names by language rules, which ignore hyphens. For the names that are sent here, that makes no difference.
        let own = request.headers.map { (name: $0.name.lowercased(), value: $0.value) }.filter { $0.name.hasPrefix("x-ms-") }
        for (name, value) in own.sorted(by: { $0.name < $1.name }) { text += "\(name):\(value)\n" }
        text += "/\(account)\(request.path)"
        let query = request.query.map { (name: $0.name.lowercased(), value: $0.value ?? "") }
        for (name, value) in query.sorted(by: { $0.name < $1.name }) { text += "\n\(name):\(value)" }
        return text
    }
}
