/// How much room is taken in advance, for bytes that have not arrived yet.
///
/// As much as has arrived so far. So an origin cannot take more room than it has sent, whatever it states, and a copy takes room only a few times.
package enum SpaceAhead {
    /// Bytes.
    package static let least: Int64 = 256 << 10
    /// Bytes.
    package static let most: Int64 = 64 << 20

    package static func bytes(after arrived: Int64) -> Int64 { min(max(arrived, least), most) }
}
