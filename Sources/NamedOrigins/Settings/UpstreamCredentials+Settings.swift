import MirrorCore
import MirrorSettings

extension UpstreamCredentials {
    /// Those that are a word.
    private enum Word: String, Sendable, CaseIterable {
        case none, client
    }

    /// - Returns: `nil` after recording a problem.
    static func read(_ element: SettingsElement) -> UpstreamCredentials? {
        guard element.isMapping else {
            var kind = SettingKind<Word>.choice()
            kind.name += ", or a mapping"
            return element.value(kind, instead: "leave the key out").map { $0 == .client ? .client : .none }
        }
        var credentials: UpstreamCredentials?
        element.section { credentials = read($0) }
        return credentials
    }

    private static func read(_ reader: SettingsReader) -> UpstreamCredentials? {
        var user: String?
        reader.value("user", &user, .userName, doc: "")
        var header: String?
        reader.value("header", &header, .fieldName, doc: "")
        let secrets = ["password", "token", "value"].compactMap { key in secret(key, reader).map { (key: key, secret: $0) } }
        let ways = ["user", "header"].filter(reader.has) + ["token", "tokenFile"].filter(reader.has).prefix(1)
        guard ways.count == 1 else {
            reader.report("must have one of {user, passwordFile}, {tokenFile} and {header, valueFile}")
            return nil
        }
        let wanted = user != nil ? "password" : header != nil ? "value" : "token"
        for key in ["password", "token", "value"] where key != wanted {
            for key in [key, "\(key)File"] where reader.has(key) { reader.report("cannot be combined with the other keys", key: key) }
        }
        guard let secret = secrets.first(where: { $0.key == wanted })?.secret else {
            if !reader.has(wanted), !reader.has("\(wanted)File") { reader.report("has no \(wanted); write \(wanted)File: PATH") }
            return nil
        }
        if let user { return .basic(user: user, password: secret) }
        if let header { return .field(name: header, value: secret) }
        return .bearer(secret)
    }

    /// The secret of a key, or of the file that `KEYFile` names.
    private static func secret(_ key: String, _ reader: SettingsReader) -> Secret? {
        var value: Secret?
        reader.value(key, &value, .token, doc: "")
        var file: String?
        reader.value("\(key)File", &file, .path, doc: "")
        guard let file else { return value }
        if reader.has(key) { reader.report("cannot be combined with \(key); keep one of them", key: "\(key)File") }
        return reader.readSecret("\(key)File", file)
    }
}

extension SettingKind where Value == String {
    fileprivate static var userName: Self {
        SettingKind(name: "text", problem: "is not a user name; write 1 to 200 ASCII characters without a colon") { text in
            let isValid =
                (1...200).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: ":") }
            return isValid ? text : nil
        }
    }

    fileprivate static var fieldName: Self {
        SettingKind(name: "header field", problem: "is not the name of a header field that may be set") { text in
            let reserved = ["host", "content-length", "connection", "transfer-encoding", "range", "te", "upgrade"]
            return FieldName.isValid(text) && !reserved.contains(text.lowercased()) ? text : nil
        }
    }
}
