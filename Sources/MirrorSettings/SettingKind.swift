public import MirrorCore

/// How one kind of value is read from text, written back and described.
public struct SettingKind<Value: Sendable>: Sendable {
    /// The name in the reference: `duration`.
    public var name: String
    /// The range in the reference: `0s to 1h`; empty if the name is enough.
    public var range = ""
    /// Whether its values are kept out of messages.
    public var isSecret = false
    /// Reads a value. Throws what is wrong, phrased to follow the value: "is not a duration; write …".
    public var parse: @Sendable (String, SettingsContext) throws(InvalidValue) -> Value
    /// The value as it would be written in a file.
    public var text: @Sendable (Value) -> String

    public init(
        name: String, range: String = "", isSecret: Bool = false,
        parse: @escaping @Sendable (String, SettingsContext) throws(InvalidValue) -> Value, text: @escaping @Sendable (Value) -> String
    ) {
        self.name = name
        self.range = range
        self.isSecret = isSecret
        self.parse = parse
        self.text = text
    }

    /// - Parameters:
    ///   - problem: What is wrong if `read` returns `nil`, phrased to follow the value.
    ///   - text: By default the value's description.
    package init(
        name: String, problem: String, text: @escaping @Sendable (Value) -> String = { "\($0)" },
        read: @escaping @Sendable (String) -> Value?
    ) {
        let parse: @Sendable (String, SettingsContext) throws(InvalidValue) -> Value = { (text, _) throws(InvalidValue) in
            guard let value = read(text) else { throw InvalidValue(problem) }
            return value
        }
        self.init(name: name, parse: parse, text: text)
    }

    /// - Parameter check: Returns `nil`, or what is wrong, phrased to follow the value.
    public func checked(_ check: @escaping @Sendable (Value) -> String?) -> SettingKind {
        var kind = self
        kind.parse = { [parse] (text, context) throws(InvalidValue) in
            let value = try parse(text, context)
            if let message = check(value) { throw InvalidValue(message) }
            return value
        }
        return kind
    }

    fileprivate func limited(to limits: ClosedRange<Value>) -> SettingKind where Value: Comparable {
        var kind = checked { limits.contains($0) ? nil : "is out of range; write \(text(limits.lowerBound)) to \(text(limits.upperBound))" }
        kind.range = "\(text(limits.lowerBound)) to \(text(limits.upperBound))"
        return kind
    }
}

/// What is wrong with a value, phrased to follow it.
public struct InvalidValue: Error {
    /// "is not a duration; write …"
    public var message: String

    /// - Parameter message: What is wrong, phrased to follow the value.
    public init(_ message: String) {
        self.message = message
    }
}

extension SettingKind where Value == Duration {
    /// `500ms`, `28s`, `24h`, `7d`: a whole number with ms, s, m, h or d.
    public static func duration(in limits: ClosedRange<Duration>) -> Self {
        SettingKind(
            name: "duration", problem: "is not a duration; write a whole number with ms, s, m, h or d, such as 28s",
            text: { DurationFormat.text($0) }, read: { DurationFormat.parse($0) }
        ).limited(to: limits)
    }
}

extension SettingKind where Value == Int64 {
    /// Bytes, as `16MiB` or `1TB`: a whole number with B, KiB…PiB or kB…PB.
    public static func size(in limits: ClosedRange<Int64>) -> Self {
        SettingKind(
            name: "size", problem: "is not a size; write a whole number with B, KiB, MiB, GiB, TiB (or kB, MB, GB, TB), such as 16MiB",
            text: { ByteSizeFormat.text($0) }, read: { ByteSizeFormat.parse($0) }
        ).limited(to: limits)
    }
}

extension SettingKind where Value == Int {
    /// A whole number in decimal digits.
    public static func integer(in limits: ClosedRange<Int>) -> Self {
        // Without a plus sign, which `Int` would accept.
        SettingKind(name: "number", problem: "is not a whole number") { $0.hasPrefix("+") ? nil : Int($0) }.limited(to: limits)
    }
}

extension SettingKind where Value == Bool {
    /// `true` or `false`.
    public static var boolean: Self {
        SettingKind(name: "true or false", problem: "is neither true nor false") { Bool($0) }
    }
}

extension SettingKind where Value: CaseIterable & RawRepresentable, Value.RawValue: LosslessStringConvertible {
    /// One of the cases, written as its raw value.
    public static func choice() -> Self {
        let words = Value.allCases.map { String($0.rawValue) }
        return SettingKind(
            name: words.count == 2 ? words.joined(separator: " or ") : "one of \(words.joined(separator: ", "))",
            problem: "is not one of \(words.joined(separator: ", "))", text: { String($0.rawValue) },
            read: { text in Value.allCases.first { String($0.rawValue) == text } })
    }
}

extension SettingKind where Value == String {
    /// A path, made absolute relative to the directory of the file.
    public static var path: Self {
        SettingKind(
            name: "path",
            parse: { (text, context) throws(InvalidValue) in
                guard !text.isEmpty, !text.utf8.contains(0) else { throw InvalidValue("is not a path") }
                return SettingsEnvironment.absolute(text, in: context.directory)
            }, text: { $0 })
    }

    /// The prefix of a `User-Agent` field.
    package static var userAgent: Self {
        SettingKind(name: "text", problem: "is not a valid User-Agent prefix; write 1 to 100 ASCII characters, such as pip/") { text in
            let isValid =
                (1...100).contains(text.utf8.count) && text.utf8.allSatisfy { (0x20...0x7E).contains($0) } && text.utf8.first != 0x20
                && text.utf8.last != 0x20
            return isValid ? text : nil
        }
    }

    /// The URL of a service, stored without a trailing slash.
    public static var baseURL: Self {
        SettingKind(
            name: "URL",
            parse: { (text, context) throws(InvalidValue) in
                let url = try SettingKind<ArtifactURL>.locationURL.parse(text, context)
                return String(url.description.reversed().drop { $0 == "/" }.reversed())
            }, text: { $0 })
    }
}

extension SettingKind where Value == ArtifactURL {
    /// Scheme, host and port of a server.
    public static var endpoint: Self {
        url { $0.path == "/" && $0.query == nil ? nil : "has more than a scheme, host and port; write https://host or https://host:port" }
    }

    /// The prefix of URLs.
    public static var locationURL: Self {
        url { $0.query == nil ? nil : "has a query; write https://host or https://host/path" }
    }

    private static func url(check: @escaping @Sendable (ArtifactURL) -> String?) -> Self {
        SettingKind(
            name: "URL",
            parse: { (text, _) throws(InvalidValue) in
                do throws(ArtifactURLError) { return try ArtifactURL(text) } catch { throw InvalidValue("is not a URL: \(error.reason)") }
            }, text: { $0.description }
        ).checked(check)
    }
}

extension SettingKind where Value == Secret {
    /// A token that RFC 6750 §2.1 allows after `Bearer`.
    public static var token: Self {
        SettingKind(
            name: "token", isSecret: true,
            parse: { (text, _) throws(InvalidValue) in
                guard !text.isEmpty else { throw InvalidValue("is empty") }
                guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                    throw InvalidValue("contains a space, a control character or a character that is not ASCII")
                }
                return Secret(text)
            }, text: { _ in "" })
    }
}

extension SettingKind where Value == IPNetwork {
    /// A network; a network of IPv4-mapped addresses is read as the IPv4 network.
    package static var network: Self {
        SettingKind(
            name: "network", problem: "is not a network; write it as 10.1.0.0/16 or 2001:db8::/32, with no bits set beyond the prefix"
        ) { IPNetwork($0)?.unmapped }
    }
}

extension SettingKind where Value == PoolID {
    package static var pool: Self {
        SettingKind(name: "pool", problem: "is not a pool name; write service/region, such as local/dev, using a-z 0-9 - _ .") {
            PoolID($0)
        }
    }
}
