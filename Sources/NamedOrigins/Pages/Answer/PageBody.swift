import MirrorCore
package import NIOCore

/// The bytes that a client gets; rewritten on their way, if the page is. It can be read more than once.
package struct PageBody: AsyncSequence, Sendable {
    package typealias Element = ByteBuffer

    private let content: PageContent
    private let rewriter: LinkRewriter?
    /// In bytes; `nil` for a long page whose links are rewritten on the way.
    package let length: Int64?

    init(_ content: PageContent, _ rewriter: LinkRewriter? = nil) {
        guard var rewriter else {
            self.content = content
            self.rewriter = nil
            length = content.length
            return
        }
        guard case .bytes(let bytes) = content else {
            self.content = content
            self.rewriter = rewriter
            length = nil
            return
        }
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count + bytes.count / 4)
        bytes.withUnsafeBytes { rewriter.rewrite($0, into: &out) }
        rewriter.finish(into: &out)
        self.content = .bytes(out)
        self.rewriter = nil
        length = Int64(out.count)
    }

    static let empty = PageBody(.bytes([]))

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(content: content, rewriter: rewriter) }

    package struct AsyncIterator: AsyncIteratorProtocol {
        /// Bytes that a client gets at a time of a page that all share.
        private static let pieceSize = 256 << 10

        fileprivate let content: PageContent
        fileprivate var rewriter: LinkRewriter?
        private var offset: Int64 = 0
        private var isAtEnd = false

        fileprivate init(content: PageContent, rewriter: LinkRewriter?) {
            self.content = content
            self.rewriter = rewriter
        }

        /// - Throws: ``PageStoreError`` if the file is damaged meanwhile.
        package mutating func next() async throws -> ByteBuffer? {
            while !isAtEnd {
                let piece: [UInt8]
                switch content {
                case .bytes(let bytes):
                    piece = offset == 0 ? bytes : []
                case .file(let reader):
                    piece = try await reader.bytes(at: offset)
                case .rewritten(let page):
                    let piece = page.slice(at: Int(offset), upTo: Self.pieceSize)
                    offset += Int64(piece?.readableBytes ?? 0)
                    isAtEnd = piece == nil
                    return piece
                }
                offset += Int64(piece.count)
                isAtEnd = piece.isEmpty
                guard rewriter != nil else { return isAtEnd ? nil : ByteBuffer(bytes: piece) }
                var out: [UInt8] = []
                out.reserveCapacity(piece.count + piece.count / 4)
                if isAtEnd { rewriter?.finish(into: &out) } else { piece.withUnsafeBytes { rewriter?.rewrite($0, into: &out) } }
                if !out.isEmpty { return ByteBuffer(bytes: out) }
            }
            return nil
        }
    }
}

extension PageReader {
    /// Bytes that are rewritten at a time of a page that memory has room for.
    private static let longPieceSize: Int64 = 256 << 10

    /// The whole page, which has to be one that memory has room for.
    func rewritten(by rewriter: LinkRewriter) async throws -> [UInt8] {
        var rewriter = rewriter
        var out: [UInt8] = []
        out.reserveCapacity(Int(length + length / 4))
        var offset: Int64 = 0
        while offset < length {
            let piece = try await bytes(at: offset, upTo: Self.longPieceSize)
            offset += Int64(piece.count)
            piece.withUnsafeBytes { rewriter.rewrite($0, into: &out) }
        }
        rewriter.finish(into: &out)
        return out
    }
}
