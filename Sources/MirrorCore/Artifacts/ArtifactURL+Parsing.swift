/// The authority of a URL: host and port.
enum HostPort {
    static func parse(_ authority: Substring, scheme: ArtifactURL.Scheme) throws(ArtifactURLError) -> (host: String, port: Int) {
        // By bytes, not characters: a host has only ASCII ones.
        let bytes = authority.utf8
        guard !bytes.contains(UInt8(ascii: "@")) else { throw ArtifactURLError("it carries a user name or password") }
        guard bytes.first == UInt8(ascii: "[") else {
            let colon = bytes.firstIndex(of: UInt8(ascii: ":"))
            let portText = colon.map { authority[bytes.index(after: $0)...] }
            return (try name(authority[..<(colon ?? authority.endIndex)]), try port(portText, scheme: scheme))
        }
        guard let close = bytes.firstIndex(of: UInt8(ascii: "]")) else {
            throw ArtifactURLError("its IPv6 address lacks the closing bracket")
        }
        let after = bytes[bytes.index(after: close)...]
        guard after.isEmpty || after.first == UInt8(ascii: ":") else {
            throw ArtifactURLError("there is something between its host and its port")
        }
        guard let address = IPAddress(String(authority[bytes.index(after: bytes.startIndex)..<close])), address.isIPv6 else {
            throw ArtifactURLError("its host is not an IPv6 address")
        }
        return (address.description, try port(after.isEmpty ? nil : Substring(after.dropFirst()), scheme: scheme))
    }

    private static func port(_ text: Substring?, scheme: ArtifactURL.Scheme) throws(ArtifactURLError) -> Int {
        guard let text, !text.isEmpty else { return scheme.defaultPort }
        guard text.utf8.count <= 5, text.utf8.allSatisfy(\.isASCIIDigit), let port = Int(text), (1...65_535).contains(port) else {
            throw ArtifactURLError("its port is not a number from 1 to 65535")
        }
        return port
    }

    private static func name(_ text: Substring) throws(ArtifactURLError) -> String {
        guard text.utf8.allSatisfy({ $0 < 0x80 }) else {
            throw ArtifactURLError("its host is not ASCII; write the xn-- form of an international name")
        }
        var host = text.lowercased()
        if host.utf8.last == UInt8(ascii: ".") { host.removeLast() }
        guard (1...253).contains(host.utf8.count) else { throw ArtifactURLError("its host is empty or longer than 253 characters") }
        let labels = host.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        for label in labels {
            guard (1...63).contains(label.count), label.allSatisfy(isNameCharacter) else {
                throw ArtifactURLError("its host is not a name or an address")
            }
        }
        // Many resolvers take a host whose last label is a number for an IPv4 address, in any base: only the plain form is accepted.
        if let last = labels.last, isNumber(last), IPAddress(host) == nil {
            throw ArtifactURLError("its host is a number in an odd spelling; write an IPv4 address as four decimal numbers")
        }
        return host
    }

    private static func isNumber(_ label: Substring.UTF8View) -> Bool {
        if label.allSatisfy(\.isASCIIDigit) { return true }
        return label.starts(with: "0x".utf8) && label.dropFirst(2).allSatisfy { Hex.value(of: $0) != nil }
    }

    private static func isNameCharacter(_ byte: UInt8) -> Bool {
        byte.isASCIILowercaseOrDigit || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
    }
}

/// The path of a URL in canonical form.
enum PathNormalizer {
    static func normalize(_ path: String) throws(ArtifactURLError) -> String {
        guard !path.isEmpty else { return "/" }
        let (escaped, hasDots) = try escape(path)
        return hasDots ? removeDotSegments(escaped) : escaped
    }

    /// Makes escapes upper-case, decodes unreserved characters, and escapes every character that needs it.
    ///
    /// - Returns: The text, and whether any segment begins with a dot.
    private static func escape(_ path: String) throws(ArtifactURLError) -> (text: String, hasDots: Bool) {
        let bytes = Array(path.utf8)
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count + 8)
        var hasDots = false
        var position = 0
        while position < bytes.count {
            var byte = bytes[position]
            position += 1
            if byte == UInt8(ascii: "%") {
                guard position + 2 <= bytes.count, let high = Hex.value(of: bytes[position]),
                    let low = Hex.value(of: bytes[position + 1])
                else {
                    throw ArtifactURLError("a % in its path is not followed by two hexadecimal digits")
                }
                position += 2
                byte = high << 4 | low
                guard PercentCoding.isUnreserved(byte) else {
                    PercentCoding.append(byte, to: &out)
                    continue
                }
            } else if byte == UInt8(ascii: "\\") {
                throw ArtifactURLError("it contains a backslash; write %5C if it is meant")
            } else if !isAllowed(byte) {
                PercentCoding.append(byte, to: &out)
                continue
            }
            if byte == UInt8(ascii: "."), out.last == UInt8(ascii: "/") { hasDots = true }
            out.append(byte)
        }
        return (String(decoding: out, as: UTF8.self), hasDots)
    }

    /// RFC 3986 §3.3 `pchar`, and the slash.
    private static func isAllowed(_ byte: UInt8) -> Bool {
        PercentCoding.isUnreserved(byte) || "/!$&'()*+,;=:@".utf8.contains(byte)
    }

    /// RFC 3986 §5.2.4; empty segments (`//`) stay.
    private static func removeDotSegments(_ path: String) -> String {
        var kept: [Substring] = []
        let segments = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        for (position, segment) in segments.enumerated() {
            let isLast = position == segments.count - 1
            switch segment {
            case ".":
                if isLast { kept.append("") }
            case "..":
                _ = kept.popLast()
                if isLast { kept.append("") }
            default:
                kept.append(segment)
            }
        }
        return "/" + kept.joined(separator: "/")
    }
}
