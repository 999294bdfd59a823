package import MirrorStorage
package import NIOCore

/// The stream of an upload's part, which must be as long as stated.
package struct CountedStream: AsyncSequence, Sendable {
    private let base: ByteStream
    private let length: Int64
    private let number: Int
    private let errors: CloudErrors

    /// - Parameter length: Bytes.
    /// - Parameter number: The part's number, for messages.
    package init(_ base: ByteStream, length: Int64, number: Int, errors: CloudErrors) {
        self.base = base
        self.length = length
        self.number = number
        self.errors = errors
    }

    package struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate var base: ByteStream.AsyncIterator
        fileprivate let stream: CountedStream
        fileprivate var count: Int64 = 0

        package mutating func next() async throws -> ByteBuffer? {
            let chunk = try await base.next()
            count += Int64(chunk?.readableBytes ?? 0)
            guard count <= stream.length, chunk != nil || count == stream.length else {
                throw stream.errors.invalid("part \(stream.number) is not as long as stated", "write")
            }
            return chunk
        }
    }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(base: base.makeAsyncIterator(), stream: self) }
}

extension UploadPart {
    /// The part in memory, if it is short enough.
    ///
    /// - Parameters:
    ///   - limit: Bytes of a part that states its length. A longer one is sent as it arrives.
    ///   - unstatedLimit: Bytes of a part that does not state its length.
    /// - Returns: `nil` if the part is to be sent as it arrives; its stream has then not been read.
    /// - Throws: `.invalidRequest` if the stream is longer than stated, or than `unstatedLimit`; errors of the stream.
    package func gathered(
        from body: ByteStream, upTo limit: Int64, unstatedUpTo unstatedLimit: Int, errors: CloudErrors
    ) async throws -> [ByteBuffer]? {
        if let chunks = body.chunks { return chunks }
        if let length, length > limit { return nil }
        let most = length.map { Int($0) } ?? unstatedLimit
        var chunks: [ByteBuffer] = []
        var count = 0
        for try await chunk in body {
            count += chunk.readableBytes
            guard count <= most else {
                throw errors.invalid(
                    length == nil
                        ? "part \(number) is longer than \(most) bytes and states no length" : "part \(number) is longer than stated",
                    "write")
            }
            chunks.append(chunk)
        }
        return chunks
    }
}
