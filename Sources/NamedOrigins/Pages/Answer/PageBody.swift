import MirrorCore
package import NIOCore

/// The bytes that a client gets; rewritten on their way, if the page is. It can be read more than once.
package struct PageBody: AsyncSequence, Sendable {
    package typealias Element = ByteBuffer

    private let content: PageContent
    private let rewriter: LinkRewriter?
    private let atEnd: (@Sendable () -> Void)?
    /// In bytes; `nil` for a page whose links are rewritten on the way, because it is long, or becomes so.
    package let length: Int64?

    /// - Parameter atEnd: Called when a page that is rewritten on its way has been read to its end.
    init(_ content: PageContent, _ rewriter: LinkRewriter? = nil, atEnd: (@Sendable () -> Void)? = nil) {
        self.atEnd = atEnd
        guard let rewriter else {
            self.content = content
            self.rewriter = nil
            length = content.length
            return
        }
        guard case .bytes(let bytes) = content, let out = rewriter.rewritten(bytes) else {
            self.content = content
            self.rewriter = rewriter
            length = nil
            return
        }
        self.content = .bytes(out)
        self.rewriter = nil
        length = Int64(out.count)
    }

    static let empty = PageBody(.bytes([]))

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(content: content, rewriter: rewriter, atEnd: atEnd) }

    package struct AsyncIterator: AsyncIteratorProtocol {
        /// Bytes that a client gets at a time of a page that all share.
        private static let sharedSize = 256 << 10
        /// As many bytes as a client gets at a time of a page that is rewritten on its way, and hardly more.
        private static let rewrittenSize = 64 << 10
        /// Bytes that are rewritten at a time, because the result may be a hundred times as long.
        private static let sliceSize = 1 << 10

        fileprivate let content: PageContent
        fileprivate var rewriter: LinkRewriter?
        private let atEnd: (@Sendable () -> Void)?
        private var offset: Int64 = 0
        private var isAtEnd = false
        /// What was read, and is not rewritten yet.
        private var rest: ArraySlice<UInt8> = []

        fileprivate init(content: PageContent, rewriter: LinkRewriter?, atEnd: (@Sendable () -> Void)?) {
            self.content = content
            self.rewriter = rewriter
            self.atEnd = atEnd
        }

        /// - Throws: ``PageStoreError`` if the file is damaged meanwhile.
        package mutating func next() async throws -> ByteBuffer? {
            if case .rewritten(let page) = content {
                let piece = page.slice(at: Int(offset), upTo: Self.sharedSize)
                offset += Int64(piece?.readableBytes ?? 0)
                return piece
            }
            guard rewriter != nil else {
                let piece = try await piece()
                return piece.isEmpty ? nil : ByteBuffer(bytes: piece)
            }
            var out: [UInt8] = []
            out.reserveCapacity(Self.rewrittenSize)
            while !isAtEnd, out.count < Self.rewrittenSize {
                if rest.isEmpty { rest = try await piece()[...] }
                isAtEnd = rest.isEmpty
                if isAtEnd { rewriter?.finish(into: &out) } else { rewriter?.rewrite(Self.sliceSize, of: &rest, into: &out) }
            }
            guard out.isEmpty else { return ByteBuffer(bytes: out) }
            atEnd?()
            return nil
        }

        /// The next bytes before any rewriting; empty at the end.
        private mutating func piece() async throws -> [UInt8] {
            let piece: [UInt8]
            switch content {
            case .bytes(let bytes): piece = offset == 0 ? bytes : []
            case .file(let reader): piece = try await reader.bytes(at: offset)
            case .rewritten: piece = []
            }
            offset += Int64(piece.count)
            return piece
        }
    }
}

extension LinkRewriter {
    /// Bytes that are rewritten at a time of a page that is held as a whole, before its length is looked at.
    fileprivate static let sliceSize = 16 << 10

    /// Rewrites as many bytes from the beginning of some, and takes them away.
    fileprivate mutating func rewrite(_ count: Int, of bytes: inout ArraySlice<UInt8>, into out: inout [UInt8]) {
        let slice = bytes.prefix(count)
        bytes = bytes.dropFirst(count)
        slice.withUnsafeBytes { rewrite($0, into: &out) }
    }

    /// How long a page of so many bytes may become by its links, to be held in memory. Few pages become twice as long.
    fileprivate static func maxLength(of page: Int) -> Int { 6 * page + (16 << 10) }

    /// - Returns: `nil` if it becomes longer than ``maxLength(of:)``.
    fileprivate func rewritten(_ page: [UInt8]) -> [UInt8]? {
        var (rewriter, rest, out) = (self, page[...], [UInt8]())
        out.reserveCapacity(page.count + page.count / 4)
        while !rest.isEmpty {
            rewriter.rewrite(Self.sliceSize, of: &rest, into: &out)
            guard out.count <= Self.maxLength(of: page.count) else { return nil }
        }
        rewriter.finish(into: &out)
        return out
    }
}

extension PageReader {
    /// Bytes that are read at a time of a page that memory has room for.
    private static let longPieceSize: Int64 = 256 << 10

    /// The whole page, which has to be one that memory has room for.
    ///
    /// - Returns: `nil` if it becomes longer than ``LinkRewriter/maxLength(of:)``.
    func rewritten(by rewriter: LinkRewriter) async throws -> [UInt8]? {
        var rewriter = rewriter
        var out: [UInt8] = []
        out.reserveCapacity(Int(length + length / 4))
        var offset: Int64 = 0
        while offset < length {
            var rest = try await bytes(at: offset, upTo: Self.longPieceSize)[...]
            offset += Int64(rest.count)
            while !rest.isEmpty {
                rewriter.rewrite(LinkRewriter.sliceSize, of: &rest, into: &out)
                guard out.count <= LinkRewriter.maxLength(of: Int(length)) else { return nil }
            }
        }
        rewriter.finish(into: &out)
        return out
    }
}
