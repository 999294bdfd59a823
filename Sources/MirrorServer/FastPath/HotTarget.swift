import MirrorState

/// A request target in the form in which records are found: without the parts that most targets have in common.
struct HotTarget {
    /// What precedes the part of the target that the record keeps.
    enum Kind: UInt32 {
        case other, route
        /// The route, and the name of the answer's pool.
        case behindPool
    }

    /// The route of hot redirects.
    static let route: StaticString = "/v1/redirect/"
    /// Longer than any pool's name.
    private static let maxPrefix = 128

    /// The target without the route.
    let words: UnsafeRawBufferPointer
    let isRedirect: Bool
    /// The bytes of `words` up to and including the second slash; 0 if there is none.
    let length: Int
    let hash: HotMemory.TargetHash

    init(_ target: UnsafeRawBufferPointer) {
        let (start, count) = (Self.route.utf8Start, Self.route.utf8CodeUnitCount)
        isRedirect = target.count > count && (0..<count).allSatisfy { target[$0] == start[$0] }
        words = isRedirect ? UnsafeRawBufferPointer(rebasing: target[count...]) : target
        hash = HotMemory.TargetHash(words)
        var (slashes, position) = (isRedirect ? 2 : 0, 0)
        while slashes > 0, position < min(words.count, Self.maxPrefix) {
            if words[position] == UInt8(ascii: "/") { slashes -= 1 }
            position += 1
        }
        length = isRedirect && slashes == 0 ? position : 0
    }

    /// The pool's name, if the target has one, and its slash.
    var prefix: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: words[..<length]) }
    /// What follows it.
    var url: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: words[length...]) }
}
