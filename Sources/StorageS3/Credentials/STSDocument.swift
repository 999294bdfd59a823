import NIOCore
import StorageCloud

/// The XML answers of STS; its query interface has no other documented format (AWS STS API Reference, "Common parameters").
enum STSDocument {
    /// - Parameter action: Such as `AssumeRole`.
    /// - Throws: `.invalid`; no part of the document is copied into the error.
    static func credentials(_ bytes: [UInt8], of action: String) throws(CredentialsError) -> S3Credentials {
        let document: XMLTree
        do {
            document = try XMLTree(parsing: ByteBuffer(bytes: bytes))
        } catch {
            throw CredentialsError(.invalid, "the answer is \(error)")
        }
        guard document.name == "\(action)Response", let held = document["\(action)Result"]?["Credentials"] else {
            throw CredentialsError(.invalid, "the answer to \(action) has no credentials")
        }
        let fields = CredentialFields(
            accessKeyID: held["AccessKeyId"]?.text, secretAccessKey: held["SecretAccessKey"]?.text,
            sessionToken: held["SessionToken"]?.text, expiration: held["Expiration"]?.text)
        let credentials = try fields.credentials(named: .init())
        guard credentials.sessionToken != nil, credentials.expires != nil else {
            throw CredentialsError(.invalid, "the answer to \(action) has no SessionToken or no Expiration")
        }
        return credentials
    }

    /// - Returns: `nil` if it is not a readable error document.
    static func error(_ bytes: [UInt8]) -> (code: String, message: String)? {
        guard let document = try? XMLTree(parsing: ByteBuffer(bytes: bytes)), let error = document["Error"] else { return nil }
        let message = error["Message"]?.text.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F } ?? .init()
        return (error["Code"]?.text ?? "", String(message))
    }
}
