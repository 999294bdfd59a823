import MirrorCore

/// Makes links lead through the mirror.
///
/// A link is resolved against the page's URL, or against that of its `<base>`. A link to something that the mirror fetches becomes `/o/…`, with the
/// digest that is stated for it. Any other relative link becomes absolute, because below `/o/` it would lead elsewhere. Fragments stay.
struct LinkResolver {
    /// Links that are longer, in bytes, stay as they are.
    static let maxLength = 2 * ArtifactURL.maxLength
    /// Bytes of the base's host and path. Beyond that, relative links stay as they are: each of them would become as long as the base.
    static let maxBase = 512
    private static let maxKnown = 8

    private struct Known {
        /// The beginning of URLs.
        let url: [UInt8]
        /// What replaces it.
        let path: [UInt8]
    }

    private let map: any LinkMap
    /// What is put before each path: `/o/`, or the mirror's own URL with it.
    private let prefix: String
    private var base: ArtifactURL
    /// `https://host`.
    private var root: [UInt8] = []
    /// The path of the base up to its last slash.
    private var directory: [UInt8] = []
    /// Whether the base is longer than ``maxBase``.
    private var isBaseLong = false
    /// Completely known places that earlier links led to.
    private var known: [Known] = []
    /// The path segment that states the link's digest, with a slash after it; empty without a digest.
    private var mark: [UInt8] = []
    /// The rewritten link, not escaped.
    private(set) var result: [UInt8] = []
    /// Whether ``result`` needs no escapes in any language.
    private(set) var isPlain = false

    init(page: ArtifactURL, prefix: String, map: any LinkMap) {
        self.map = map
        self.prefix = prefix
        base = page
        rebase(to: page)
    }

    /// From now on, links are relative to this URL.
    ///
    /// - Parameter reference: Of a `<base>`, relative to the page.
    mutating func rebase(to reference: String) {
        // An invalid URL changes nothing (HTML §4.2.3).
        guard let url = try? base.resolving(reference) else { return }
        rebase(to: url)
    }

    private mutating func rebase(to url: ArtifactURL) {
        base = url
        root = Array("\(url.scheme.rawValue)://\(url.authority)".utf8)
        directory = Array(url.path.utf8)
        isBaseLong = root.count + directory.count > Self.maxBase
        directory.removeSubrange((directory.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0)...)
    }

    /// - Parameters:
    ///   - reference: Without the escapes of the page's language.
    ///   - digest: The digest of its target, as the page states it elsewhere; one in the fragment takes precedence.
    /// - Returns: Whether the link changes; then it is in ``result``.
    mutating func resolve(_ reference: UnsafeRawBufferPointer, digest: Digest? = nil) -> Bool {
        guard !reference.isEmpty, reference.count <= Self.maxLength, reference[0] != UInt8(ascii: "#") else { return false }
        guard !isBaseLong || Self.isAbsolute(reference) else { return false }
        let end = ByteSearch.first(UInt8(ascii: "#"), in: reference, from: 0)
        let fragment = reference.slice(end..<reference.count)
        setMark(fragment, digest)
        let path = reference.slice(0..<end)
        isPlain = resolvePlain(path)
        guard isPlain || resolveAny(path) else { return false }
        if isPlain, !fragment.dropFirst().allSatisfy(Self.isPlain) { isPlain = false }
        result.append(contentsOf: fragment)
        return true
    }

    // MARK: Links in canonical form to places that are known

    private mutating func resolvePlain(_ path: UnsafeRawBufferPointer) -> Bool {
        guard !known.isEmpty else { return false }
        var rest = path
        if path.begins(with: "http") {
            for place in known where path.begins(with: place.url) {
                return replace(place, path.slice(place.url.count..<path.count))
            }
            return false
        }
        var length = 0
        if path[0] == UInt8(ascii: "/") {
            if path.count > 1, path[1] == UInt8(ascii: "/") { return false }
        } else {
            length = directory.count
            var start = 0
            while path.begins(with: "../", at: start) {
                start += 3
                // Above the root is the root (RFC 3986 §5.2.4).
                length = max(1, (directory[..<(length - 1)].lastIndex(of: UInt8(ascii: "/")) ?? 0) + 1)
            }
            rest = path.slice(start..<path.count)
        }
        guard Self.isPlain(rest), root.count + length + rest.count <= ArtifactURL.maxLength else { return false }
        var url = root
        url.append(contentsOf: directory[..<length])
        url.append(contentsOf: rest)
        return url.withUnsafeBytes { url in
            for place in known where url.begins(with: place.url) {
                return replace(place, url.slice(place.url.count..<url.count))
            }
            return false
        }
    }

    private mutating func replace(_ place: Known, _ rest: UnsafeRawBufferPointer) -> Bool {
        guard Self.isPlain(rest), place.url.count + rest.count <= ArtifactURL.maxLength else { return false }
        result.removeAll(keepingCapacity: true)
        result.append(contentsOf: place.path)
        result.append(contentsOf: mark)
        result.append(contentsOf: rest)
        return true
    }

    /// Whether a path is obviously in canonical form. Colons may end a scheme; dots at the beginning of a segment may be dot segments.
    private static func isPlain(_ path: UnsafeRawBufferPointer) -> Bool {
        var previous = UInt8(ascii: "/")
        for byte in path {
            guard isPlain(byte), byte != UInt8(ascii: ".") || previous != UInt8(ascii: "/") else { return false }
            previous = byte
        }
        return true
    }

    /// Letters, digits and `/!$()*+,-.;=@_~`, as bits: the characters that need no escape in URLs, HTML and JSON, except colons.
    private static func isPlain(_ byte: UInt8) -> Bool {
        let bits: UInt64 =
            switch byte >> 6 {
            case 0: 0x2BFF_FF12_0000_0000
            case 1: 0x47FF_FFFE_87FF_FFFF
            default: 0
            }
        return bits >> UInt64(byte & 63) & 1 == 1
    }

    // MARK: Any link

    private mutating func resolveAny(_ path: UnsafeRawBufferPointer) -> Bool {
        let blanks = path.prefix { $0 <= UInt8(ascii: " ") }.count
        let trimmed = path.slice(blanks..<max(blanks, (path.lastIndex { $0 > UInt8(ascii: " ") } ?? -1) + 1))
        guard !trimmed.isEmpty, let text = String(validating: trimmed, as: UTF8.self), let url = try? base.resolving(text) else {
            return false
        }
        result.removeAll(keepingCapacity: true)
        if let place = map.place(of: url) {
            let known = Known(url: Array(place.url.description.utf8), path: Array((prefix + place.path).utf8))
            if place.isWhole, self.known.count < Self.maxKnown, !self.known.contains(where: { $0.url == known.url }) {
                self.known.append(known)
            }
            result.append(contentsOf: known.path)
            result.append(contentsOf: mark)
            result.append(contentsOf: url.description.utf8.dropFirst(known.url.count))
            return true
        }
        guard !Self.isAbsolute(trimmed) else { return false }
        result.append(contentsOf: url.description.utf8)
        return true
    }

    private static func isAbsolute(_ reference: UnsafeRawBufferPointer) -> Bool {
        reference.first { ":/?".utf8.contains($0) } == UInt8(ascii: ":")
    }

    // MARK: Digests

    /// Takes the digest from a fragment (`#sha256=HEX`, even among others: `#egg=name&sha256=HEX`), or else the one that is given.
    private mutating func setMark(_ fragment: UnsafeRawBufferPointer, _ digest: Digest?) {
        mark.removeAll(keepingCapacity: true)
        var start = 1
        while start < fragment.count {
            let end = ByteSearch.first(UInt8(ascii: "&"), in: fragment, from: start)
            if readMark(fragment.slice(start..<end)) { return }
            start = end + 1
        }
        guard let text = digest.flatMap(DigestMark.text) else { return }
        mark.append(contentsOf: text.utf8)
        mark.append(UInt8(ascii: "/"))
    }

    private mutating func readMark(_ text: UnsafeRawBufferPointer) -> Bool {
        guard text.count == 71, text.begins(with: "sha256=") else { return false }
        mark.append(UInt8(ascii: "~"))
        mark.append(contentsOf: text)
        mark.append(UInt8(ascii: "/"))
        for position in 8..<(mark.count - 1) {
            switch mark[position] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): break
            case UInt8(ascii: "A")...UInt8(ascii: "F"): mark[position] |= 0x20
            default:
                mark.removeAll(keepingCapacity: true)
                return false
            }
        }
        return true
    }
}

extension LinkResolver {
    /// The URL of a cargo registry's crates, in which cargo itself puts the checksum.
    ///
    /// - Parameter template: With `{crate}` and other markers; if it has none, cargo appends `/{crate}/{version}/download`.
    /// - SeeAlso: The Cargo Book, "Registry Index", `dl`.
    mutating func resolve(crates template: String) -> Bool {
        let head = String(Substring(template.utf8.prefix { $0 != UInt8(ascii: "{") }))
        var tail = String(Substring(template.utf8.dropFirst(head.utf8.count)))
        if tail.isEmpty { tail = "/{crate}/{version}/download" }
        // A marker is not replaced with text that would not pass unchanged through a URL.
        var rest = tail
        for marker in ["{crate}", "{version}", "{prefix}", "{lowerprefix}", "{sha256-checksum}"] {
            rest = rest.split(separator: marker, omittingEmptySubsequences: false).joined(separator: "x")
        }
        guard !isBaseLong, let url = try? base.resolving(head), rest.utf8.allSatisfy({ Self.isPlain($0) || "?&:%".utf8.contains($0) }),
            let place = map.place(of: url)
        else { return false }
        let behind = Substring(url.description.utf8.dropFirst(place.url.description.utf8.count))
        isPlain = false
        result = Array("\(prefix)\(place.path)~sha256={sha256-checksum}/\(behind)\(tail)".utf8)
        return true
    }
}
