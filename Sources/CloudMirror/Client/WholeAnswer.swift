import MirrorCore

/// An answer of a mirror, or a part of one, in two forms.
///
/// A mirror may be newer than this program. Fields that this program does not know are only in `json`, and are kept when JSON is printed.
struct WholeAnswer<Body: Decodable & Sendable>: Sendable {
    /// As the type that the mirror and this program share.
    let body: Body
    /// As it was sent.
    let json: JSONValue
}

extension WholeAnswer: Decodable {
    init(from decoder: any Decoder) throws {
        body = try Body(from: decoder)
        json = try JSONValue(from: decoder)
    }
}
