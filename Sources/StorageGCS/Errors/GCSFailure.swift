import MirrorCore
import MirrorStorage
package import NIOCore
package import NIOHTTP1
package import StorageCloud

/// An error of the service, in the form of its XML API or its JSON API.
package struct GCSFailure: ServiceFailure {
    package static var service: String { GCSService.name }
    package static let missingBucket = "NoSuchBucket"

    package var status: Int
    /// `NoSuchKey` of the XML API, `notFound` of the JSON API.
    package var code: String
    package var message: String
    package var requestID: String?
    package var retryAfter: Duration?

    package init(status: Int, headers: HTTPHeaders, body: ByteBuffer) {
        if body.readableBytesView.first(where: { $0 > 0x20 }) == UInt8(ascii: "{") {
            self.init(status: status, headers: headers, object: JSONValue(parsing: body.readableBytesView)?["error"])
        } else {
            self.init(status: status, headers: headers, document: try? XMLTree(parsing: body))
        }
    }

    package init(status: Int, headers: HTTPHeaders, document: XMLTree?) {
        let error = document.flatMap { $0.name == "Error" ? $0 : $0["Error"] }
        // Only the details say what is wrong with a field.
        let words = [error?["Message"]?.text, error?["Details"]?.text].compactMap(\.self).filter { !$0.isEmpty }
        self.init(status: status, headers: headers, code: error?["Code"]?.text ?? "", message: words.joined(separator: " "))
    }

    /// - Parameter object: The `error` of an answer of the JSON API.
    private init(status: Int, headers: HTTPHeaders, object: JSONValue?) {
        var reason: String?
        if case .array(let errors) = object?["errors"] { reason = errors.first?["reason"]?.string }
        self.init(
            status: status, headers: headers, code: reason ?? object?["status"]?.string ?? "", message: object?["message"]?.string ?? "")
    }

    private init(status: Int, headers: HTTPHeaders, code: String, message: String) {
        self.status = status
        self.code = Self.cleaned(code, limit: 64)
        self.message = Self.cleaned(message, limit: 200)
        requestID = Self.requestID(headers.first(name: "x-guploader-uploadid"))
        retryAfter = Self.retryAfter(headers)
    }

    // MARK: What it means

    /// Codes that refuse the credentials themselves, not what they permit.
    private static let credentialCodes: Set<String> = [
        "AuthenticationRequired", "ExpiredToken", "InvalidSecurity", "InvalidToken", "SignatureDoesNotMatch", "UNAUTHENTICATED",
        "authError",
    ]

    /// Whether the credentials are useless, also for signing URLs.
    package var refusesCredentials: Bool { status == 401 || Self.credentialCodes.contains(code) }

    /// Whether the time of the signature may be the reason. An answer to HEAD does not say.
    var mayBeOfTime: Bool { status == 403 && ["", "AccessDenied", "RequestTimeTooSkewed", "SignatureDoesNotMatch"].contains(code) }

    /// Whether the error is about the caller and not about the object.
    package var isAboutCaller: Bool {
        if refusesCredentials { return true }
        return code == "NoSuchBucket" || code == "RequestTimeTooSkewed" || meaning.code == .permissionDenied
    }

    package var meaning: FailureMeaning<GCSFailure> { GCSErrorTable.meaning(of: code) ?? .of(status: status) }
}

extension CloudErrors {
    static let gcs = CloudErrors(service: GCSService.name)
}
