/// What the artifacts of one context have in common, in words.
enum ContextWords {
    private static let places = ["last requested here", "last requested in another pool"]
    private static let rates = [
        "once so far", "every 40m or more often", "every 40m to 3h", "every 3h to 11h", "every 11h to 2d", "every 2d to 7d",
        "every 7d to 28d",
        "every 28d or less often",
    ]
    private static let ages = [
        "known for up to 2h", "known for 2h to 12h", "known for 12h to 3d", "known for 3d to 10d", "known for 10d to 30d",
        "known for more than 30d",
    ]

    /// - Parameter path: As `ContextTree.words(of:_:)` has it.
    static func text(_ path: [String]) -> String {
        guard let artifactClass = path.first else { return "all artifacts" }
        let likeness = zip(path.dropFirst(), [places, rates, ages]).map { number, words in
            Int(number).flatMap { words.indices.contains($0) ? words[$0] : nil } ?? number
        }
        return "artifacts of the class \(artifactClass)"
            + (likeness.isEmpty ? "" : " that are used like it (\(likeness.joined(separator: ", ")))")
    }
}
