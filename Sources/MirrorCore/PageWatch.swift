/// Watches a list that somebody else sends in pages, so that reading it ends whatever they answer.
package struct PageWatch: Sendable {
    /// Pages of one list that may hold nothing at all: services leave things out.
    package static let maxEmpty = 1_000

    private var markers: Set<String>
    private var empty = 0

    /// - Parameter marker: Where the first page begins; `nil` for the beginning of the list.
    package init(from marker: String? = nil) {
        markers = marker.map { [$0] } ?? []
    }

    /// Called before the next page is asked for.
    ///
    /// - Parameters:
    ///   - marker: Where it begins, in the other side's words.
    ///   - found: How many elements the page before had, wanted or not. Others may keep any number of their own things in the same place.
    package mutating func turn(to marker: String, found: Int) throws(EndlessPages) {
        guard markers.insert(marker).inserted else { throw EndlessPages(reason: "comes back to a page that was there before") }
        if found == 0 { empty += 1 }
        guard empty < Self.maxEmpty else { throw EndlessPages(reason: "has \(Self.maxEmpty) pages with nothing in them") }
    }
}

/// A list that would not end.
package struct EndlessPages: Error, Equatable {
    /// Phrased to follow "the list".
    package let reason: String
}
