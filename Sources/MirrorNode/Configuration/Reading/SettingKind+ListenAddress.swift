import MirrorCore
import MirrorSettings

extension SettingKind where Value == ListenAddress {
    static var listenAddress: Self {
        SettingKind(
            name: "address",
            parse: { (text, _) throws(InvalidValue) in
                guard let value = ListenAddress(text) else {
                    throw InvalidValue("is not an address to listen on; write host:port, such as 127.0.0.1:8080 or [::]:8080")
                }
                return value
            }, text: { $0.description })
    }
}
