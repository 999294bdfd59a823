/// What a client asks of a server of Git LFS: where to download objects from, or where to upload them to.
///
/// - SeeAlso: https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md
struct LFSQuestion: Decodable {
    /// Whether it is about downloads, also for a server that does not tell the case of members' names apart.
    let isDownload: Bool

    private struct Member: Decodable {
        /// `nil` for anything but a string.
        let text: String?

        init(from decoder: any Decoder) throws {
            text = try? decoder.singleValueContainer().decode(String.self)
        }
    }

    init(from decoder: any Decoder) throws {
        let operations = try [String: Member](from: decoder).filter { $0.key.lowercased() == "operation" }
        isDownload = operations.count == 1 && operations["operation"]?.text == "download"
    }
}
