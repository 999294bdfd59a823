/// A range of an object's bytes: `offset` and a length above 0.
public struct ByteRange: Sendable, Hashable {
    /// The first byte; 0 or more.
    public let offset: Int64
    /// Bytes; 1 or more.
    public let length: Int64

    /// - Returns: `nil` for a negative offset, a length below 1, or an end beyond `Int64.max`.
    public init?(offset: Int64, length: Int64) {
        guard offset >= 0, length >= 1, !offset.addingReportingOverflow(length).overflow else { return nil }
        self.offset = offset
        self.length = length
    }

    /// One past the last byte.
    public var end: Int64 { offset + length }

    /// As in a `Range` field: `bytes=0-499`.
    package var fieldValue: String { "bytes=\(offset)-\(end - 1)" }

    /// The range, cut off at the end of an object.
    ///
    /// - Returns: `nil` if the range begins at or after the end.
    public func clamped(toSize size: Int64) -> ByteRange? {
        size > offset ? ByteRange(offset: offset, length: min(end, size) - offset) : nil
    }
}
