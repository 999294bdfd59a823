import MirrorCore
import MirrorStorage
import NIOCore
package import NIOHTTP1
package import StorageCloud

/// The service's description of a failure.
package struct AzureFailure: ServiceFailure {
    package static var service: String { AzureService.name }
    package static let missingBucket = "ContainerNotFound"

    package var status: Int
    /// `BlobNotFound`
    package var code: String
    package var message: String
    package var requestID: String?
    package var retryAfter: Duration?
    /// The answer of the server that the service was to copy from: `NoSuchKey`.
    var sourceCode = ""

    package init(status: Int, headers: HTTPHeaders, document: XMLTree?) {
        let error = document.flatMap { $0.name == "Error" ? $0 : $0["Error"] }
        self.status = status
        // An answer to HEAD states it only in a header field.
        code = Self.cleaned(headers.first(name: "x-ms-error-code") ?? error?["Code"]?.text ?? "", limit: 64)
        // The first line is followed by the request and the time; other elements of the document may contain what was signed.
        let words = error?["Message"]?.text.split(whereSeparator: \.isNewline).first ?? ""
        message = Self.cleaned(String(words), limit: 200)
        requestID = Self.requestID(headers.first(name: "x-ms-request-id"))
        sourceCode = Self.cleaned(headers.first(name: "x-ms-copy-source-error-code") ?? "", limit: 64)
        retryAfter = Self.retryAfter(headers)
    }

    // MARK: What it means

    /// Codes by which the service refuses the credentials themselves, whatever they would permit.
    private static let credentialCodes: Set<String> = [
        "AuthenticationFailed", "InvalidAuthenticationInfo", "KeyBasedAuthenticationNotPermitted",
    ]

    /// Whether the credentials are useless for everything, including signing URLs. What another server says of a source does not concern them.
    package var refusesCredentials: Bool {
        !isAboutSource && (Self.credentialCodes.contains(code) || status == 401 && code != "NoAuthenticationInformation")
    }

    /// Whether the service reports that it could not read the source.
    var isAboutSource: Bool { Self.sourceCodes.contains(code) || !sourceCode.isEmpty }

    static let sourceCodes: Set<String> = ["CannotVerifyCopySource", "CopySourceNotVerified"]

    /// Whether the refusal is about the caller and not about the blob: no permission, unknown account, no such container.
    package var isAboutCaller: Bool {
        if refusesCredentials { return true }
        switch code {
        case "ContainerNotFound", "ContainerBeingDeleted", "ContainerDisabled", "AccountIsDisabled": return true
        case "BlobArchived", "BlobBeingRehydrated", "BlobImmutableDueToPolicy", "BlobImmutableDueToLegalHold": return false
        default: return meaning.code == .permissionDenied
        }
    }

    package var meaning: FailureMeaning<AzureFailure> {
        // The source's server may refuse a token with a code that is otherwise about the pool's own.
        let meaning = isAboutSource && Self.credentialCodes.contains(code) ? nil : AzureErrorTable.meaning(of: code)
        return meaning ?? .of(status: status)
    }

    /// `ServerBusy (503)`; with the message of the server that was to be copied from.
    package var description: String {
        let said = code.isEmpty ? "status \(status)" : "\(code) (\(status))"
        return sourceCode.isEmpty ? said : "\(said), of the source: \(sourceCode)"
    }
}

extension CloudErrors {
    static let azure = CloudErrors(service: AzureService.name)
}
