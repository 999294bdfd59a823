import MirrorCore
import MirrorServer
import MirrorSystem

/// Whether a listener could be opened.
enum ListenCheck {
    static func finding(_ address: ListenAddress, key: String) -> Finding? {
        guard address.port != 0 else { return nil }
        switch BindTrial(host: address.host, port: address.port) {
        case .possible: return nil
        case .unknownHost:
            return Finding(
                severity: .fatal, key: key, text: "cannot listen on \(address): \(ListenError.unknownHost); choose another address")
        case .failed(let error):
            let reason = "cannot listen on \(address): \(ListenError.words(error))"
            // It may be the service itself that runs there.
            return error == .addressInUse
                ? Finding(severity: .warning, key: key, text: "\(reason); if that is not this service, stop it or choose another address")
                : Finding(severity: .fatal, key: key, text: "\(reason); choose another address")
        }
    }
}
