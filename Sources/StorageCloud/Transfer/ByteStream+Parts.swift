package import MirrorCore
package import MirrorStorage
package import NIOCore

extension ByteStream {
    /// The stream of an upload's part, which must be as long as stated.
    ///
    /// - Parameter length: Bytes.
    /// - Parameter number: The part's number, for messages.
    package func counted(_ length: Int64, number: Int, errors: CloudErrors) -> ByteStream {
        passing(Int64(0)) { base, count in
            let chunk = try await base.next()
            count += Int64(chunk?.readableBytes ?? 0)
            guard count <= length, chunk != nil || count == length else {
                throw errors.invalid("part \(number) is not as long as stated", "write")
            }
            return chunk
        }
    }

    /// A range of a longer stream.
    package func cut(to range: ByteRange) -> ByteStream {
        passing((skip: range.offset, left: range.length)) { base, state in
            while state.left > 0, var chunk = try await base.next() {
                let skipped = Swift.min(state.skip, Int64(chunk.readableBytes))
                chunk.moveReaderIndex(forwardBy: Int(skipped))
                state.skip -= skipped
                guard let slice = chunk.readSlice(length: Int(Swift.min(state.left, Int64(chunk.readableBytes)))), slice.readableBytes > 0
                else { continue }
                state.left -= Int64(slice.readableBytes)
                return slice
            }
            return nil
        }
    }
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
