import CLibrary
import NIOCore
import NIOPosix
import NIOSSL

/// Why a connection could not be made or was lost, in words for people: without the paths that the TLS library puts into its messages.
package enum ConnectionFailure {
    /// Part of the message if the server's certificate is not accepted.
    package static let untrusted = "the certificate is from an authority that is not trusted, or is out of date"

    /// Added to the message if a connection ends before the server has answered: one side may use TLS and the other not.
    static let hint = " (is it TLS or not?)"

    /// - Parameters:
    ///   - host: The host of the attempt.
    ///   - hint: Added if the reason does not say what to do.
    static func words(_ error: any Error, host: String, hint: String) -> String {
        switch error {
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { words($0.error, host: host, hint: hint) } ?? "the host \(error.host) is not known"
        case let error as IOError: String(cString: strerror(error.errnoCode)).lowercased() + hint
        case let error as NIOSSLExtraError: error == .failedToValidateHostname ? "the certificate is not for \(host)" : handshake("")
        case NIOSSLError.handshakeFailed(let error): words(error, hint)
        case NIOSSLError.uncleanShutdown: "the connection was closed" + hint
        case let error as BoringSSLError: words(error, hint)
        case is NIOSSLError: handshake("")
        default: "the connection failed" + hint
        }
    }

    private static func words(_ error: BoringSSLError, _ hint: String) -> String {
        switch error {
        case .sslError(let stack), .unknownError(let stack):
            stack.contains(.eofDuringHandshake)
                ? "the connection was closed during the TLS handshake" + hint
                : words(stack.lazy.map(reason).first { !$0.isEmpty } ?? "", hint)
        default: handshake("") + hint
        }
    }

    /// - Parameter reason: The TLS library's name for it; empty if there is none.
    private static func words(_ reason: String, _ hint: String) -> String {
        switch reason {
        case "CERTIFICATE_VERIFY_FAILED": untrusted
        case "TLSV1_ALERT_CERTIFICATE_REQUIRED", "SSLV3_ALERT_NO_CERTIFICATE":
            "the server requires a client certificate, which is not supported: turn that off (tls-auth-clients no)"
        // Before TLS 1.3 servers say no more than this.
        case "SSLV3_ALERT_HANDSHAKE_FAILURE":
            handshake("refused by the server; if it requires client certificates, they are not supported")
        case "WRONG_VERSION_NUMBER": "the answer is not TLS" + hint
        default: handshake(reason.lowercased().replacing("_", with: " "))
        }
    }

    private static func handshake(_ reason: String) -> String {
        "the TLS handshake failed\(reason.isEmpty ? "" : " (\(reason))")"
    }

    /// `WRONG_VERSION_NUMBER` from `Error: 268435703 error:100000f7:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER at …`, the only text in
    /// which the library states it.
    private static func reason(_ error: BoringSSLInternalError) -> String {
        let text = error.description
        guard let mark = text.firstRange(of: "OPENSSL_internal:") else { return "" }
        return String(text[mark.upperBound...].prefix { $0.isASCII && ($0.isUppercase || $0.isNumber || $0 == "_") })
    }
}
