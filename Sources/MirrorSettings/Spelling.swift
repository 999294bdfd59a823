/// Suggests the intended word for a misspelled one.
package enum Spelling {
    /// The most similar of `words`, if it is similar enough.
    package static func nearest(to text: String, among words: [String]) -> String? {
        let limit = max(1, min(text.count, 12) / 3)
        guard text.count <= 64 else { return nil }
        let candidates = words.map { (word: $0, distance: distance(text.lowercased(), $0.lowercased())) }
        return candidates.filter { $0.distance <= limit }.min { $0.distance < $1.distance }?.word
    }

    /// The number of insertions, deletions, replacements and swaps of neighbours that turn one into the other (optimal string alignment).
    package static func distance(_ first: String, _ second: String) -> Int {
        let a = Array(first.unicodeScalars)
        let b = Array(second.unicodeScalars)
        var beforeLast: [Int] = []
        var last = Array(0...b.count)
        for i in a.indices {
            var row = [i + 1]
            for j in b.indices {
                var cost = min(last[j] + (a[i] == b[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, beforeLast[j - 1] + 1) }
                row.append(cost)
            }
            beforeLast = last
            last = row
        }
        return last[b.count]
    }
}
