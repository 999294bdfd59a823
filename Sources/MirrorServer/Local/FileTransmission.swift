import MirrorCore
import MirrorStorage
import NIOCore

/// Sends a file's bytes with `sendfile`, bypassing Hummingbird, between a response's head and its end.
enum FileTransmission {
    /// Bytes that the channel gets at a time.
    static let piece: Int64 = 1 << 20

    /// Returns once the kernel has taken all bytes. The head of the response must have been written before.
    ///
    /// - Parameter count: Called with the number of bytes after each piece is sent.
    static func send(
        _ file: ObjectFile, _ range: ByteRange, over channel: any Channel, count: @Sendable (Int64) -> Void
    ) async throws {
        guard let descriptor = file.takeDescriptor() else { throw ChannelError.ioOnClosedChannel }
        let handle = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: descriptor)
        defer { try? handle.close() }
        try await withTaskCancellationHandler {
            var offset = range.offset
            while offset < range.end {
                let end = min(offset + piece, range.end)
                let region = FileRegion(fileHandle: handle, readerIndex: Int(offset), endIndex: Int(end))
                try await channel.eventLoop.flatSubmit {
                    do {
                        let handler = try channel.pipeline.syncOperations.handler(type: ExchangeHandler.self)
                        return handler.write(region) ?? channel.eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel)
                    } catch {
                        return channel.eventLoop.makeFailedFuture(error)
                    }
                }.get()
                count(end - offset)
                offset = end
            }
        } onCancel: {
            channel.close(promise: nil)
        }
    }
}
