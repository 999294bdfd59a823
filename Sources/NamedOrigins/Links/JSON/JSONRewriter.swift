import MirrorCore

/// Rewrites the links of a JSON document, in bytes that arrive in any pieces.
///
/// Everything except the links stays unchanged, byte for byte, even if it is not JSON. Only strings under the keys of ``LinkRole`` are read. If a
/// link comes before the
/// digest of its file, what follows it is held until the digest or the end of the object, whichever is first.
struct JSONRewriter {
    /// Bytes that are held for a digest; beyond that, the link is written without it.
    static let maxHeld = 64 << 10
    /// The length of the longest key that is looked for, in bytes without quotes.
    private static let maxKey = 64
    /// Bytes of a digest, or of several.
    private static let maxDigest = 512

    private enum State {
        case between
        /// In a part without a role; the number is how many containers deep.
        case skipping(depth: Int)
        case string(Purpose)
    }

    private enum Purpose {
        case nothing
        /// In a part that is skipped.
        case skipped(depth: Int)
        case key
        case leaf(LinkRole.Leaf)
    }

    private struct Frame {
        let role: LinkRole
        let isObject: Bool
        var expectsKey: Bool
        /// The role of the member that is being read.
        var key: [UInt8]?
    }

    private let root: LinkRole
    private var resolver: LinkResolver
    private var state = State.between
    /// The part that is being read, and those that it is in. No role is below itself, so they are few.
    private var frames: [Frame] = []
    /// Whether the current byte of a string is escaped.
    private var isEscaped = false
    /// The bytes read so far of a string that matters.
    private var text: [UInt8] = []
    private var isTooLong = false
    /// Of the file that is being read.
    private var digest: Digest?
    /// The link whose digest has not arrived yet, as it is in the document, and what follows it.
    private var pending: [UInt8]?
    private var held: [UInt8] = []

    init(_ root: LinkRole, _ resolver: LinkResolver) {
        self.root = root
        self.resolver = resolver
    }

    mutating func rewrite(_ bytes: UnsafeRawBufferPointer, into out: inout [UInt8]) {
        // Bytes before this place are written, held, or the text of a link.
        var copied = 0
        var position = 0
        while position < bytes.count {
            switch state {
            case .between: position = between(bytes, position, &copied, &out)
            case .skipping(let depth): position = skip(bytes, position, depth)
            case .string(let purpose): position = string(bytes, position, purpose, &copied, &out)
            }
        }
        if case .string(.leaf(let leaf)) = state, leaf.isLink, !isTooLong { return }
        write(bytes.slice(copied..<bytes.count), &out)
    }

    /// After the last bytes.
    mutating func finish(into out: inout [UInt8]) {
        release(nil, &out)
        if case .string(.leaf(let leaf)) = state, leaf.isLink { out.append(contentsOf: text) }
        text = []
    }

    private mutating func write(_ bytes: UnsafeRawBufferPointer, _ out: inout [UInt8]) {
        guard pending != nil else { return out.append(contentsOf: bytes) }
        if held.count + bytes.count > Self.maxHeld { release(nil, &out) }
        if pending == nil { out.append(contentsOf: bytes) } else { held.append(contentsOf: bytes) }
    }

    // MARK: Outside of strings

    private mutating func between(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ copied: inout Int, _ out: inout [UInt8]) -> Int {
        let byte = bytes[start]
        let last = frames.count - 1
        switch byte {
        case UInt8(ascii: "{"), UInt8(ascii: "["): open(isObject: byte == UInt8(ascii: "{"))
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            guard let frame = frames.popLast(), frame.role.hasFile else { break }
            write(bytes.slice(copied..<start), &out)
            copied = start
            release(digest, &out)
            digest = nil
        case UInt8(ascii: ","):
            guard last >= 0 else { break }
            frames[last].expectsKey = frames[last].isObject
            frames[last].key = nil
        case UInt8(ascii: ":"):
            guard last >= 0 else { break }
            frames[last].expectsKey = false
        case UInt8(ascii: "\""):
            text.removeAll(keepingCapacity: true)
            isTooLong = false
            guard last >= 0 else {
                state = .string(.nothing)
                break
            }
            let frame = frames[last]
            if frame.expectsKey {
                state = .string(.key)
            } else if let leaf = frame.role.leaf(frame.key) {
                state = .string(.leaf(leaf))
                if leaf.isLink {
                    write(bytes.slice(copied..<(start + 1)), &out)
                    copied = start + 1
                }
            } else {
                state = .string(.nothing)
            }
        default: break
        }
        return start + 1
    }

    private mutating func open(isObject: Bool) {
        let role = frames.last.map { $0.role.child($0.key, isObject: isObject) } ?? (isObject ? root : nil)
        guard let role else {
            state = .skipping(depth: 1)
            return
        }
        if role.hasFile { digest = nil }
        frames.append(Frame(role: role, isObject: isObject, expectsKey: isObject))
    }

    private mutating func skip(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ depth: Int) -> Int {
        var depth = depth
        var position = start
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                state = .string(.skipped(depth: depth))
                return position
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth == 0 {
                    state = .between
                    return position
                }
            default: break
            }
        }
        state = .skipping(depth: depth)
        return position
    }

    // MARK: Strings

    private mutating func string(
        _ bytes: UnsafeRawBufferPointer, _ start: Int, _ purpose: Purpose, _ copied: inout Int, _ out: inout [UInt8]
    ) -> Int {
        var position = start
        while position < bytes.count {
            if isEscaped {
                isEscaped = false
                position += 1
                continue
            }
            position = ByteSearch.first(UInt8(ascii: "\""), or: UInt8(ascii: "\\"), in: bytes, from: position)
            guard position < bytes.count, bytes[position] == UInt8(ascii: "\\") else { break }
            isEscaped = true
            position += 1
        }
        let content = bytes.slice(start..<position)
        let isEnd = position < bytes.count
        switch purpose {
        case .nothing:
            if isEnd { state = .between }
        case .skipped(let depth):
            if isEnd { state = .skipping(depth: depth) }
        case .key:
            collect(content, limit: Self.maxKey)
            guard isEnd else { break }
            state = .between
            frames[frames.count - 1].key = isTooLong ? nil : JSONStrings.decode(text)
        case .leaf(let leaf) where !leaf.isLink:
            collect(content, limit: Self.maxDigest)
            guard isEnd else { break }
            state = .between
            guard !isTooLong, let text = JSONStrings.decode(text), let digest = leaf.digest(String(decoding: text, as: UTF8.self)) else {
                break
            }
            self.digest = digest
            guard pending != nil else { break }
            write(bytes.slice(copied..<position), &out)
            copied = position
            release(digest, &out)
        case .leaf(let leaf):
            link(content, leaf, isEnd: isEnd, &out)
            if !isTooLong { copied = position }
            if isEnd { state = .between }
        }
        return isEnd ? position + 1 : position
    }

    private mutating func collect(_ content: UnsafeRawBufferPointer, limit: Int) {
        if text.count + content.count > limit { isTooLong = true }
        if !isTooLong { text.append(contentsOf: content) }
    }

    // MARK: Links

    private mutating func link(_ content: UnsafeRawBufferPointer, _ leaf: LinkRole.Leaf, isEnd: Bool, _ out: inout [UInt8]) {
        if !isTooLong, text.count + content.count > 2 * LinkResolver.maxLength {
            // It stays unchanged. The rest of it is written like everything else.
            isTooLong = true
            let beginning = text
            beginning.withUnsafeBytes { write($0, &out) }
        }
        guard !isTooLong else { return }
        text.append(contentsOf: content)
        guard isEnd else { return }
        if leaf == .file, digest == nil, pending == nil {
            pending = text
        } else {
            let link = rewritten(text, leaf, leaf == .file ? digest : nil)
            link.withUnsafeBytes { write($0, &out) }
        }
    }

    /// Writes the link that waits for its digest, and what follows it.
    private mutating func release(_ digest: Digest?, _ out: inout [UInt8]) {
        guard let link = pending else { return }
        pending = nil
        out.append(contentsOf: rewritten(link, .file, digest))
        out.append(contentsOf: held)
        held.removeAll(keepingCapacity: true)
    }

    /// - Parameter link: As it is in the document.
    private mutating func rewritten(_ link: [UInt8], _ leaf: LinkRole.Leaf, _ digest: Digest?) -> [UInt8] {
        guard let text = JSONStrings.decode(link) else { return link }
        let isRewritten =
            if leaf == .crates {
                resolver.resolve(crates: String(decoding: text, as: UTF8.self))
            } else {
                text.withUnsafeBytes { resolver.resolve($0, digest: digest) }
            }
        guard isRewritten else { return link }
        if resolver.isPlain { return resolver.result }
        var out: [UInt8] = []
        out.reserveCapacity(resolver.result.count)
        JSONStrings.append(resolver.result, to: &out)
        return out
    }
}

extension LinkRole.Leaf {
    /// Whether the value is replaced.
    fileprivate var isLink: Bool {
        switch self {
        case .file, .link, .crates: true
        case .sha256: false
        }
    }
}
