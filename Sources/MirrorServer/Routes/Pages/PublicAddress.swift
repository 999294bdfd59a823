import Hummingbird
import MirrorCore

/// How clients reach this service.
struct PublicAddress: Sendable {
    /// From the configuration; `nil` for the host that the request names.
    let publicURL: String?
    let isTLS: Bool

    /// Without a slash at the end. It is written into shell commands and configuration files of clients.
    func base(for request: Request) -> String {
        if let publicURL { return publicURL }
        let host = request.head.authority ?? ""
        let isPlain =
            !host.isEmpty && host.utf8.count <= 300 && host.utf8.allSatisfy { PercentCoding.isUnreserved($0) || ":[]".utf8.contains($0) }
        return "\(isTLS ? "https" : "http")://\(isPlain ? host : "MIRROR")"
    }
}
