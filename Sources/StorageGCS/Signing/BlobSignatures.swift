import MirrorCore
import StorageCloud
import Synchronization

/// Signatures made by the service, for accounts whose private key only Google has. Each is requested once, however many callers want it.
///
/// - SeeAlso: IAM Service Account Credentials API, `signBlob`.
final class BlobSignatures: Sendable {
    /// The number of signatures that are kept. Each is useful for one ``SigningWindow`` and takes about 700 bytes.
    private static let capacity = 4_096

    private let tokens: GoogleTokenService
    private let known = Mutex(RecentEntries<String, String>(capacity: BlobSignatures.capacity))
    private let questions = SingleFlight<String, String>()

    init(_ tokens: GoogleTokenService) {
        self.tokens = tokens
    }

    /// - Returns: Lower-case hexadecimal.
    /// - Throws: ``CredentialsError``; `CancellationError`.
    func signature(of text: String, by signing: BlobSigning) async throws -> String {
        let key = "\(signing.account)\n\(text)"
        if let signature = known.withLock({ $0[key] }) { return signature }
        return try await questions.run(key) { [tokens] in
            let signature = try await Self.ask(tokens, text, signing)
            self.known.withLock { $0.insert(signature, for: key) }
            return signature
        }
    }

    private static func ask(_ tokens: GoogleTokenService, _ text: String, _ signing: BlobSigning) async throws -> String {
        var body: [String: JSONValue] = ["payload": .string(Base64.encode(Array(text.utf8)))]
        if !signing.delegates.isEmpty { body["delegates"] = .array(signing.delegates.map { .string($0) }) }
        let place = "signing for \(signing.account), which needs the role Service Account Token Creator on it"
        return try await CredentialsError.prefixing(place) {
            try await tokens.call(signing.address, token: signing.token, body: .object(body)) { answer in
                let fields = try JSONFields(answer.body, of: "the answer of \(signing.address.service)")
                guard let bytes = Base64.decode(try fields.requiredText("signedBlob")), !bytes.isEmpty else {
                    throw CredentialsError(.invalid, "signedBlob of \(fields.place) is not base64")
                }
                return Hex.encode(bytes)
            }
        }
    }
}
