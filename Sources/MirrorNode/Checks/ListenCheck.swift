import MirrorCore
import MirrorServer
import MirrorSystem

/// Whether a listener can be opened.
enum ListenCheck {
    static func finding(_ address: ListenAddress, key: String) -> Finding? {
        guard address.port != 0 else { return nil }
        switch BindTrial(host: address.host, port: address.port) {
        case .possible: return nil
        case .unknownHost:
            return Finding(.fatal, key, "cannot listen on \(address): \(ListenError.unknownHost); choose another address")
        case .failed(let error):
            let reason = "cannot listen on \(address): \(ListenError.words(error))"
            // The service itself may be running there.
            return error == .addressInUse
                ? Finding(.warning, key, "\(reason); if that is not this service, stop it or choose another address")
                : Finding(.fatal, key, "\(reason); choose another address")
        }
    }
}
