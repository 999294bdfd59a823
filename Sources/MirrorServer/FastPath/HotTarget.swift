import MirrorState

/// The words of a request's target, as records are found by them: without those that most targets have in common.
struct HotTarget {
    /// What stands before the words that a record has.
    enum Kind: UInt32 {
        case other, route
        /// The route, and the name of the answer's pool.
        case behindPool
    }

    /// Where hot redirects are.
    static let route: StaticString = "/v1/redirect/"
    /// Longer than any pool's name.
    private static let maxPrefix = 128

    /// Without the route.
    let words: UnsafeRawBufferPointer
    let isRedirect: Bool
    /// Bytes up to the second slash in these, with it; 0 where there is none.
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

    /// Where the pool's name stands, if the target has one.
    var prefix: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: words[..<length]) }
    /// What stands behind it.
    var url: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: words[length...]) }
}
