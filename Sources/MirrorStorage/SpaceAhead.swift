/// How far ahead of the bytes that have come room is taken for those that follow.
///
/// As much again as has come: an origin takes no more by what it states than it has sent, and room is looked for a few times only.
package enum SpaceAhead {
    /// Bytes.
    package static let least: Int64 = 256 << 10
    /// Bytes.
    package static let most: Int64 = 64 << 20

    package static func bytes(after arrived: Int64) -> Int64 { min(max(arrived, least), most) }
}
