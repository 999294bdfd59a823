extension CopyFailure.Reason {
    /// All but ``origin(status:)``.
    private static let others: [CopyFailure.Reason] = [.refused, .redirect, .transfer, .content, .tooLarge, .storage, .noRoom, .unfinished]

    /// All words.
    package static let words = ["origin"] + others.map(\.word)

    /// A word from a fixed list, for metrics, the API and the records of state stores.
    package var word: String {
        switch self {
        case .origin: "origin"
        case .refused: "refused"
        case .redirect: "redirect"
        case .transfer: "transfer"
        case .content: "content"
        case .tooLarge: "tooLarge"
        case .storage: "storage"
        case .noRoom: "noRoom"
        case .unfinished: "unfinished"
        }
    }

    /// The origin's status, if that is the reason.
    package var originStatus: Int? { if case .origin(let status) = self { status } else { nil } }

    /// Reads a reason that was recorded as a word.
    ///
    /// - Returns: `nil` for an unknown word, and for an origin's answer without its status.
    package init?(word: String, originStatus: Int?) {
        let answer = originStatus.map { CopyFailure.Reason.origin(status: $0) }
        guard let reason = (Self.others + [answer].compactMap(\.self)).first(where: { $0.word == word }) else { return nil }
        self = reason
    }
}
