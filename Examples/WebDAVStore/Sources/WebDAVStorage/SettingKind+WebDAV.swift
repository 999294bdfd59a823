import MirrorCore
import MirrorSettings

extension SettingKind where Value == ArtifactURL {
    /// A collection on a server; a slash at its end makes no difference.
    static var collection: Self {
        SettingKind(
            name: "URL",
            // One with a password in it is refused, and must not be quoted then.
            isSecret: true,
            parse: { (text, _) throws(InvalidValue) in
                let url: ArtifactURL
                do throws(ArtifactURLError) {
                    url = try ArtifactURL(try ArtifactURL(text).withoutSlash)
                } catch {
                    throw InvalidValue("is not a URL: \(error.reason)")
                }
                guard url.query == nil else { throw InvalidValue("has a query; write https://host or https://host/path") }
                return url
            }, text: { $0.description })
    }
}

extension SettingKind where Value == String {
    /// The user name of basic authentication, which ends at a colon (RFC 7617 §2).
    static var username: Self {
        SettingKind(
            name: "name",
            parse: { (text, _) throws(InvalidValue) in
                guard (1...256).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: ":") })
                else { throw InvalidValue("is empty, too long, or holds a space, a colon or something that is not ASCII") }
                return text
            }, text: { $0 })
    }
}

extension ArtifactURL {
    /// The URL as the beginning of others, which go on with a slash.
    var withoutSlash: String { String(description.reversed().drop { $0 == "/" }.reversed()) }
}
