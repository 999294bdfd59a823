import NIOSSL

extension RedisConfiguration {
    /// Reads the URL of a Redis server, of sentinels, or of a cluster:
    ///
    /// - `redis://[user[:password]@]host[:port][/database]`
    /// - `redis+sentinel://[user[:password]@]host[:port],host[:port]/master[/database]`, where the addresses are those of sentinels
    /// - `redis+cluster://[user[:password]@]host[:port],host[:port]`, where the addresses are some of the cluster's
    ///
    /// `rediss` instead of `redis` is the same over TLS. User and password are percent-encoded if they contain anything but letters, digits,
    /// `-`, `.`, `_`, `~`; `:password@` is the password of the default user. A user alone needs a password from elsewhere. IPv6 addresses are in
    /// brackets.
    package init(url: String) throws(RedisURLError) {
        guard let separator = url.firstRange(of: "://") else {
            throw RedisURLError(description: "a Redis URL begins with redis://, rediss://, redis+sentinel:// or redis+cluster://")
        }
        let (topology, isSecure) = try Self.scheme(url[..<separator.lowerBound].lowercased())
        var rest = url[separator.upperBound...]
        if rest.contains("#") { throw RedisURLError(description: "a Redis URL has no fragment: write # in a password as %23") }
        if rest.contains("?") {
            throw RedisURLError(description: "a Redis URL has no query: set options in the configuration, and write ? in a password as %3F")
        }
        let authority = rest.prefix { $0 != "/" }
        rest = rest[authority.endIndex...]
        if rest.contains("@") {
            throw RedisURLError(description: "an @ after a / in the Redis URL: write / in a password as %2F, and @ as %40")
        }
        // Up to the last @: an unencoded @ in a password is then found before it.
        let credentials = authority.lastIndex(of: "@").map { authority[..<$0] }
        if credentials?.contains("@") == true {
            throw RedisURLError(description: "more than one @ before the host of the Redis URL: write @ in a password as %40")
        }
        let hosts = credentials.map { authority[authority.index(after: $0.endIndex)...] } ?? authority
        let defaultPort = if case .sentinel = topology { 26379 } else { 6379 }
        var addresses: [Address] = []
        for part in hosts.split(separator: ",", omittingEmptySubsequences: false) {
            addresses.append(try Self.address(part, defaultPort: defaultPort))
        }
        var path = rest.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        if path.last == "" { path.removeLast() }

        self.init(topology: topology, addresses: addresses)
        switch topology {
        case .single:
            guard addresses.count == 1 else {
                throw RedisURLError(description: "redis:// takes one server: for more use redis+sentinel:// or redis+cluster://")
            }
        case .sentinel:
            guard let master = path.popFirst(), !master.isEmpty, let name = Self.decoded(master) else {
                throw RedisURLError(
                    description:
                        "the name of the master is missing: redis+sentinel://host:port,host:port/NAME, as in `sentinel monitor NAME`")
            }
            // The characters that `sentinel monitor` accepts.
            guard name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || ".-_".contains($0)) }) else {
                throw RedisURLError(
                    description: "the name of the master in the Redis URL contains something other than letters, digits and . - _")
            }
            self.topology = .sentinel(master: name)
        case .cluster:
            guard path.isEmpty || path == ["0"] else {
                throw RedisURLError(description: "a Redis Cluster has no database other than 0: leave out what follows the addresses")
            }
        }
        if let text = path.popFirst() {
            guard let database = Int(text), database >= 0, text.allSatisfy({ $0.isASCII && $0.isNumber }) else {
                throw RedisURLError(description: "the database in the Redis URL is a number from 0 on, not \"\(text)\"")
            }
            self.database = database
        }
        guard path.isEmpty else { throw RedisURLError(description: "the path of the Redis URL has too many parts") }
        if let credentials { try setCredentials(credentials) }
        if isSecure {
            var tls = TLSConfiguration.makeClientConfiguration()
            // RFC 8996 deprecates earlier versions.
            tls.minimumTLSVersion = .tlsv12
            self.tls = tls
        }
    }

    private static func scheme(_ text: String) throws(RedisURLError) -> (Topology, isSecure: Bool) {
        switch text {
        case "redis": (.single, false)
        case "rediss": (.single, true)
        case "redis+sentinel": (.sentinel(master: ""), false)
        case "rediss+sentinel": (.sentinel(master: ""), true)
        case "redis+cluster": (.cluster, false)
        case "rediss+cluster": (.cluster, true)
        default:
            throw RedisURLError(
                description:
                    "unknown scheme: use redis, rediss (TLS), redis+sentinel, rediss+sentinel, redis+cluster or rediss+cluster"
            )
        }
    }

    private mutating func setCredentials(_ text: Substring) throws(RedisURLError) {
        let name = text.prefix { $0 != ":" }
        guard let user = Self.decoded(name), let password = Self.decoded(text[name.endIndex...].dropFirst()) else {
            throw RedisURLError(
                description: "the user or the password in the Redis URL is not percent-encoded as it should be: write % as %25")
        }
        let isUserAlone = name.endIndex == text.endIndex && !user.isEmpty
        guard !password.isEmpty || isUserAlone else {
            throw RedisURLError(
                description: "a colon without a password in the Redis URL: write user:password@, or :password@ for the default user")
        }
        self.username = user.isEmpty ? nil : user
        self.password = password.isEmpty ? nil : password
    }

    private static func address(_ text: Substring, defaultPort: Int) throws(RedisURLError) -> Address {
        var host = text
        var port: Substring?
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else { throw RedisURLError(description: "a [ without a ] in the Redis URL") }
            host = text[text.index(after: text.startIndex)..<end]
            let after = text[text.index(after: end)...]
            guard after.isEmpty || after.first == ":" else {
                throw RedisURLError(description: "something other than a port follows an IPv6 address in the Redis URL")
            }
            port = after.isEmpty ? nil : after.dropFirst()
            guard host.contains(":"), host.allSatisfy({ $0.isHexDigit || $0 == ":" || $0 == "." || $0 == "%" }) else {
                throw RedisURLError(description: "the text in brackets in the Redis URL is not an IPv6 address")
            }
        } else if let colon = text.firstIndex(of: ":") {
            host = text[..<colon]
            port = text[text.index(after: colon)...]
            // Not repeated in the message: it may have been meant as a password.
            guard port?.contains(":") == false else {
                throw RedisURLError(
                    description: "too many colons in the address of the Redis URL: write IPv6 addresses in brackets, [::1]:6379")
            }
        }
        guard !host.isEmpty else { throw RedisURLError(description: "a host is missing") }
        guard text.first == "[" || host.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "-._".contains($0)) }) else {
            throw RedisURLError(description: "a host in the Redis URL contains characters that are not allowed in a host name")
        }
        guard let port else { return Address(host: String(host), port: defaultPort) }
        guard let number = UInt16(port), number > 0, port.first != "+" else {
            throw RedisURLError(description: "a port in the Redis URL is not a number from 1 to 65535 (is a password not percent-encoded?)")
        }
        return Address(host: String(host), port: Int(number))
    }

    /// Undoes percent-encoding; `nil` if it is not valid, or not UTF-8.
    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hexadecimal), let low = rest.popFirst().flatMap(hexadecimal) else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
