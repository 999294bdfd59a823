import Retention

/// How much of what is learnt a store keeps.
package enum ActivityLimits {
    /// Records, where nothing else is configured.
    package static let history = 1_000_000
    /// Sums, where nothing else is asked for.
    package static let sums = 1_000_000
    /// Bytes of the name of a sum.
    package static let nameLength = 64
    /// Bytes.
    package static let documentBytes = 32 << 20
    /// Records of a page, about.
    package static let page = 1_000
    /// Of so many records one goes beyond what has to, where the oldest can only be found by a look at all.
    package static let spare = 16

    /// Classes; what is seen after so many is ``otherClass``.
    package static let classes = ClassList.maxClasses
    package static let otherClass = ClassList.other

    /// A list of classes with some more, as far as there is room.
    package static func classes(_ known: some Sequence<String>, adding names: [String]) -> [String] {
        var list = ClassList()
        for name in known { _ = list.number(of: name) }
        for name in names { _ = list.number(of: name) }
        return list.names
    }

    /// What can be added to sums.
    package static func accepted(_ deltas: [String: Double]) -> [String: Double] {
        deltas.filter { $0.value.isFinite && (1...nameLength).contains($0.key.utf8.count) }
    }

    /// - Throws: ``StateError/Code/unavailable`` if a document is too long.
    package static func check(_ document: [UInt8]) throws(StateError) {
        guard document.count <= documentBytes else {
            throw StateError(.unavailable, "a document of \(document.count) bytes is not kept; at most \(documentBytes)")
        }
    }
}
