import MirrorCore

/// Rewrites every `href` of an HTML page, in bytes that arrive in any pieces.
///
/// Comments, scripts and other raw text stay unchanged. A `<base href>` applies to the links after it, and loses its `href`, because the rewritten
/// links include it. Nothing beyond the current tag is kept.
struct HTMLRewriter {
    /// Bytes; the links of a longer tag stay as they are.
    static let maxTag = 64 << 10

    private enum State: Equatable {
        case text
        /// Behind `<`.
        case open
        /// In a start tag, which is kept until it ends.
        case tag
        /// In a tag that passes unchanged: an end tag, or one that is too long.
        case passingTag
        /// After `<!`, and after `<!-`.
        case declaration, dash
        /// After this many dashes, at most 2, perhaps followed by an exclamation mark.
        case comment(dashes: Int, bang: Bool)
        /// In `<!DOCTYPE` or `<?`: up to the next `>`.
        case bogusComment
        /// In an element whose content is text up to its end tag. The number is how many bytes of the end tag have arrived.
        case rawText(matched: Int)
    }

    private var resolver: LinkResolver
    private var state = State.text
    private var scanner = TagScanner(isKept: false)
    /// The beginning of a tag that continues in the next bytes.
    private var kept: [UInt8] = []
    /// The end tag that ends raw text, without what may follow the name.
    private var rawEnd: [UInt8] = []
    private var hasBase = false

    init(_ resolver: LinkResolver) {
        self.resolver = resolver
    }

    mutating func rewrite(_ bytes: UnsafeRawBufferPointer, into out: inout [UInt8]) {
        // Bytes before this place are in `out` or in `kept`.
        var copied = 0
        var position = 0
        while position < bytes.count {
            let byte = bytes[position]
            switch state {
            case .text:
                position = ByteSearch.first(UInt8(ascii: "<"), in: bytes, from: position)
                guard position < bytes.count else { break }
                out.append(contentsOf: bytes.slice(copied..<position))
                copied = position
                position += 1
                state = .open
            case .open:
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"):
                    scanner = TagScanner(isKept: true)
                    state = .tag
                case UInt8(ascii: "/"):
                    scanner = TagScanner(isKept: false)
                    state = .passingTag
                    position += 1
                case UInt8(ascii: "!"):
                    state = .declaration
                    position += 1
                case UInt8(ascii: "?"): state = .bogusComment
                default: state = .text
                }
            case .tag:
                let offset = kept.count - copied
                let end = scanner.scan(bytes, from: position, offset: offset)
                position = end ?? bytes.count
                if kept.count + position - copied > Self.maxTag {
                    flush(bytes, &copied, position, into: &out)
                    scanner.isKept = false
                    state = end == nil ? .passingTag : .text
                } else if end != nil {
                    finishTag(bytes, &copied, position, into: &out)
                }
            case .passingTag:
                if let end = scanner.scan(bytes, from: position, offset: 0) {
                    position = end
                    state = .text
                } else {
                    position = bytes.count
                }
            case .declaration:
                state = byte == UInt8(ascii: "-") ? .dash : .bogusComment
                if state == .dash { position += 1 }
            case .dash:
                // What follows `<!--` may end the comment at once: `<!-->`, `<!--->`.
                state = byte == UInt8(ascii: "-") ? .comment(dashes: 2, bang: false) : .bogusComment
                if state != .bogusComment { position += 1 }
            case .comment(let dashes, let bang):
                position = comment(bytes, position, dashes, bang)
            case .bogusComment:
                position = ByteSearch.first(UInt8(ascii: ">"), in: bytes, from: position)
                if position < bytes.count {
                    position += 1
                    state = .text
                }
            case .rawText(let matched):
                position = rawText(bytes, position, matched)
            }
            if !kept.isEmpty, state != .tag, state != .open { flush(bytes, &copied, position, into: &out) }
        }
        if state == .tag || state == .open {
            kept.append(contentsOf: bytes.slice(copied..<bytes.count))
        } else {
            out.append(contentsOf: bytes.slice(copied..<bytes.count))
        }
    }

    /// After the last bytes.
    mutating func finish(into out: inout [UInt8]) {
        out.append(contentsOf: kept)
        kept = []
    }

    private mutating func flush(_ bytes: UnsafeRawBufferPointer, _ copied: inout Int, _ position: Int, into out: inout [UInt8]) {
        out.append(contentsOf: kept)
        kept.removeAll(keepingCapacity: true)
        out.append(contentsOf: bytes.slice(copied..<position))
        copied = position
    }

    // MARK: Tags

    private mutating func finishTag(_ bytes: UnsafeRawBufferPointer, _ copied: inout Int, _ end: Int, into out: inout [UInt8]) {
        if let rawEnd = Self.rawEnd(of: scanner.name) {
            self.rawEnd = rawEnd
            state = .rawText(matched: 0)
        } else {
            state = .text
        }
        defer { copied = end }
        guard let href = scanner.href else {
            out.append(contentsOf: kept)
            out.append(contentsOf: bytes.slice(copied..<end))
            kept.removeAll(keepingCapacity: true)
            return
        }
        guard kept.isEmpty else {
            var tag = kept
            kept.removeAll(keepingCapacity: true)
            tag.append(contentsOf: bytes.slice(copied..<end))
            tag.withUnsafeBytes { rewriteTag($0, href, into: &out) }
            return
        }
        rewriteTag(bytes.slice(copied..<end), href, into: &out)
    }

    private mutating func rewriteTag(_ tag: UnsafeRawBufferPointer, _ href: TagScanner.Attribute, into out: inout [UInt8]) {
        let value = tag.slice(href.value)
        if scanner.name == Self.baseName {
            // Only the first counts. Clients that insist on an absolute URL here could not read `/o/…`.
            if !hasBase { resolver.rebase(to: String(decoding: Self.text(value), as: UTF8.self)) }
            hasBase = true
            out.append(contentsOf: tag.slice(0..<href.name))
            out.append(contentsOf: "data-".utf8)
            out.append(contentsOf: tag.slice(href.name..<tag.count))
            return
        }
        let isRewritten =
            if let text = CharacterReferences.resolve(value) {
                text.withUnsafeBytes { resolver.resolve($0) }
            } else {
                resolver.resolve(value)
            }
        guard isRewritten else { return out.append(contentsOf: tag) }
        out.append(contentsOf: tag.slice(0..<href.value.lowerBound))
        if resolver.isPlain {
            out.append(contentsOf: resolver.result)
        } else {
            CharacterReferences.append(resolver.result, to: &out, quote: href.quote)
        }
        out.append(contentsOf: tag.slice(href.value.upperBound..<tag.count))
    }

    private static func text(_ value: UnsafeRawBufferPointer) -> [UInt8] { CharacterReferences.resolve(value) ?? Array(value) }

    private static let baseName = ByteHash("base")
    private static let rawTexts = ["script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes"].map {
        (name: ByteHash($0), end: Array("</\($0)".utf8))
    }

    private static func rawEnd(of name: ByteHash) -> [UInt8]? {
        // Most tags have shorter names than any of these.
        name.count < 3 ? nil : rawTexts.first { $0.name == name }?.end
    }

    // MARK: What is no tag

    private mutating func comment(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ dashes: Int, _ bang: Bool) -> Int {
        var position = start
        var (dashes, bang) = (dashes, bang)
        while position < bytes.count {
            if dashes == 0 {
                position = ByteSearch.first(UInt8(ascii: "-"), in: bytes, from: position)
                guard position < bytes.count else { break }
            }
            switch bytes[position] {
            case UInt8(ascii: "-"): (dashes, bang) = (bang ? 1 : min(dashes + 1, 2), false)
            case UInt8(ascii: "!") where dashes == 2 && !bang: bang = true
            case UInt8(ascii: ">") where dashes == 2:
                state = .text
                return position + 1
            default: (dashes, bang) = (0, false)
            }
            position += 1
        }
        state = .comment(dashes: dashes, bang: bang)
        return position
    }

    private mutating func rawText(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ matched: Int) -> Int {
        let end = rawEnd
        var position = start
        var matched = matched
        while position < bytes.count {
            if matched == 0 {
                position = ByteSearch.first(end[0], in: bytes, from: position)
                guard position < bytes.count else { break }
            }
            let byte = bytes[position]
            if matched == end.count {
                // The name must end here.
                if byte <= UInt8(ascii: " ") || byte == UInt8(ascii: "/") || byte == UInt8(ascii: ">") {
                    scanner = TagScanner(isKept: false)
                    state = .passingTag
                    return position
                }
                matched = 0
                continue
            }
            if byte == end[matched] || matched > 1 && byte | 0x20 == end[matched] {
                matched += 1
            } else if matched > 0 {
                matched = 0
                continue
            }
            position += 1
        }
        state = .rawText(matched: matched)
        return position
    }
}
