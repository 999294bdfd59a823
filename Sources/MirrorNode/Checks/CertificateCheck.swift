import MirrorCore
import NIOSSL

/// How long the listeners' certificates are still valid. Everything else about them is checked when the configuration is read.
enum CertificateCheck {
    /// A certificate that expires sooner than this gets a warning.
    private static let shortLife = Duration.seconds(14 * 86_400)

    static func findings(_ tls: Configuration.TLS, at now: Timestamp) -> [Finding] {
        tls.chain.enumerated().compactMap { number, certificate in
            let which = number == 0 ? "the certificate" : "certificate \(number + 1) of the chain"
            func finding(_ severity: Finding.Severity, _ text: String) -> Finding {
                Finding(severity, "tls.certificate", "\(which) \(text)")
            }
            let (first, last) = (time(certificate.notValidBefore), time(certificate.notValidAfter))
            if last < now { return finding(.error, "expired on \(last.day): clients refuse the connection; renew it") }
            if first > now { return finding(.error, "is not valid before \(first.day): until then clients refuse the connection") }
            if last < now + shortLife { return finding(.warning, "expires on \(last.day); renew it") }
            return nil
        }
    }

    private static func time(_ seconds: some BinaryInteger) -> Timestamp {
        let (milliseconds, overflow) = Int64(clamping: seconds).multipliedReportingOverflow(by: 1_000)
        return Timestamp(milliseconds: overflow ? (seconds < 0 ? .min : .max) : milliseconds)
    }
}
