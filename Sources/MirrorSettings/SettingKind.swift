import Logging
import MirrorCore

/// How one kind of value is read from text, written back and described.
struct ConfigurationValueKind<Value: Sendable>: Sendable {
    /// For the reference: `duration`.
    var name: String
    /// For the reference: `0s to 1h`; empty when the name says it all.
    var range = ""
    /// Its values stay out of messages.
    var isSecret = false
    /// Throws what is wrong in words that follow the value: "is not a duration; write …".
    var parse: @Sendable (String, ConfigurationContext) throws(InvalidValue) -> Value
    /// As it would be written in a file.
    var text: @Sendable (Value) -> String

    /// - Parameter check: Returns `nil`, or what is wrong in words that follow the value.
    func checked(_ check: @escaping @Sendable (Value) -> String?) -> ConfigurationValueKind {
        var kind = self
        kind.parse = { [parse] (text, context) throws(InvalidValue) in
            let value = try parse(text, context)
            if let message = check(value) { throw InvalidValue(message) }
            return value
        }
        return kind
    }

    fileprivate func limited(to limits: ClosedRange<Value>) -> ConfigurationValueKind where Value: Comparable {
        var kind = checked { limits.contains($0) ? nil : "is out of range; write \(text(limits.lowerBound)) to \(text(limits.upperBound))" }
        kind.range = "\(text(limits.lowerBound)) to \(text(limits.upperBound))"
        return kind
    }
}

/// What is wrong with a value, in words that follow it.
struct InvalidValue: Error {
    var message: String

    init(_ message: String) {
        self.message = message
    }
}

extension ConfigurationValueKind where Value == Duration {
    static func duration(in limits: ClosedRange<Duration>) -> Self {
        ConfigurationValueKind(
            name: "duration",
            parse: { (text, _) throws(InvalidValue) in
                guard let value = DurationText.parse(text) else {
                    throw InvalidValue("is not a duration; write a whole number with ms, s, m, h or d, such as 28s")
                }
                return value
            }, text: { DurationText.text($0) }
        ).limited(to: limits)
    }
}

extension ConfigurationValueKind where Value == Int64 {
    static func size(in limits: ClosedRange<Int64>) -> Self {
        ConfigurationValueKind(
            name: "size",
            parse: { (text, _) throws(InvalidValue) in
                guard let value = ByteSize.parse(text) else {
                    throw InvalidValue("is not a size; write a whole number with B, KiB, MiB, GiB, TiB (or kB, MB, GB, TB), such as 16MiB")
                }
                return value
            }, text: { ByteSize.text($0) }
        ).limited(to: limits)
    }
}

extension ConfigurationValueKind where Value == Int {
    static func integer(in limits: ClosedRange<Int>) -> Self {
        ConfigurationValueKind(
            name: "number",
            parse: { (text, _) throws(InvalidValue) in
                guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "-") }),
                    let value = Int(text)
                else { throw InvalidValue("is not a whole number") }
                return value
            }, text: { String($0) }
        ).limited(to: limits)
    }
}

extension ConfigurationValueKind where Value == Bool {
    static var boolean: Self {
        ConfigurationValueKind(
            name: "true or false",
            parse: { (text, _) throws(InvalidValue) in
                switch text {
                case "true": return true
                case "false": return false
                default: throw InvalidValue("is neither true nor false")
                }
            }, text: { String($0) })
    }
}

extension ConfigurationValueKind where Value: CaseIterable & RawRepresentable, Value.RawValue: LosslessStringConvertible {
    /// One of the cases, written as its raw value.
    static func choice() -> Self {
        let words = Value.allCases.map { String($0.rawValue) }
        return ConfigurationValueKind(
            name: words.count == 2 ? words.joined(separator: " or ") : "one of \(words.joined(separator: ", "))",
            parse: { (text, _) throws(InvalidValue) in
                guard let value = Value.allCases.first(where: { String($0.rawValue) == text }) else {
                    throw InvalidValue("is none of \(words.joined(separator: ", "))")
                }
                return value
            }, text: { String($0.rawValue) })
    }
}

extension ConfigurationValueKind where Value == String {
    /// A path, made absolute from the directory of the file.
    static var path: Self {
        ConfigurationValueKind(
            name: "path",
            parse: { (text, context) throws(InvalidValue) in
                guard !text.isEmpty, !text.utf8.contains(0) else { throw InvalidValue("is not a path") }
                return ConfigurationEnvironment.absolute(text, in: context.directory)
            }, text: { $0 })
    }

    /// What a word of a `User-Agent` field begins with.
    static var userAgent: Self {
        ConfigurationValueKind(
            name: "text",
            parse: { (text, _) throws(InvalidValue) in
                guard (1...100).contains(text.utf8.count), text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }), text.utf8.first != 0x20,
                    text.utf8.last != 0x20
                else { throw InvalidValue("is not the beginning of a User-Agent; write 1 to 100 ASCII characters, such as pip/") }
                return text
            }, text: { $0 })
    }

    /// A URL of a service, kept without a slash at its end.
    static var baseURL: Self {
        ConfigurationValueKind(
            name: "URL",
            parse: { (text, _) throws(InvalidValue) in
                let url: ArtifactURL
                do throws(ArtifactURLError) { url = try ArtifactURL(text) } catch { throw InvalidValue("is not a URL: \(error.reason)") }
                guard url.query == nil else { throw InvalidValue("has a query; write https://host or https://host/path") }
                return String(url.description.reversed().drop { $0 == "/" }.reversed())
            }, text: { $0 })
    }
}

extension ConfigurationValueKind where Value == Secret {
    /// A token as RFC 6750 §2.1 lets it stand behind `Bearer`.
    static var token: Self {
        ConfigurationValueKind(
            name: "token", isSecret: true,
            parse: { (text, _) throws(InvalidValue) in
                guard !text.isEmpty else { throw InvalidValue("is empty") }
                guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                    throw InvalidValue("holds a space, a control character or something that is not ASCII")
                }
                return Secret(text)
            }, text: { _ in "" })
    }
}

extension ConfigurationValueKind where Value == ListenAddress {
    static var listenAddress: Self {
        ConfigurationValueKind(
            name: "address",
            parse: { (text, _) throws(InvalidValue) in
                guard let value = ListenAddress(text) else {
                    throw InvalidValue("is not an address to listen on; write host:port, such as 127.0.0.1:8080 or [::]:8080")
                }
                return value
            }, text: { $0.description })
    }
}

extension ConfigurationValueKind where Value == IPNetwork {
    static var network: Self {
        ConfigurationValueKind(
            name: "network",
            parse: { (text, _) throws(InvalidValue) in
                guard let value = IPNetwork(text) else {
                    throw InvalidValue("is not a network; write it as 10.1.0.0/16 or 2001:db8::/32, without bits beyond the prefix")
                }
                return value
            }, text: { $0.description })
    }
}

extension ConfigurationValueKind where Value == PoolID {
    static var pool: Self {
        ConfigurationValueKind(
            name: "pool",
            parse: { (text, _) throws(InvalidValue) in
                guard let value = PoolID(text) else {
                    throw InvalidValue("is not the name of a pool; write service/region, such as local/dev, in a-z 0-9 - _ .")
                }
                return value
            }, text: { $0.description })
    }
}

extension ConfigurationValueKind where Value == Logger.Level {
    /// The levels of swift-log.
    static var logLevel: Self { choice() }
}
