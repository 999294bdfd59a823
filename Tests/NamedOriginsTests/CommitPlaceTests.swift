import Testing

@testable import NamedOrigins

@Suite struct CommitPlaceTests {
    private static let commit = String(repeating: "0a", count: 20)

    @Test(
        "The branch of a path becomes the commit",
        arguments: [
            ("/o/hf/openai/gpt/resolve/main/dir/model.bin", commit, "/o/hf/openai/gpt/resolve/\(commit)/dir/model.bin"),
            ("/o/hf/a/b/resolve/main/resolve/x", commit, "/o/hf/a/b/resolve/\(commit)/resolve/x"),
            ("/o/hf/a/b/resolve/refs%2Fpr%2F1/x", commit, "/o/hf/a/b/resolve/\(commit)/x"),
            ("/o/hf/a/b/resolve/main", commit, nil), ("/o/hf/a/b/raw/main/x", commit, nil),
            ("/o/hf/a/b/resolve/main/x", String(commit.dropLast()), nil), ("/o/hf/a/b/resolve/main/x", commit.uppercased(), nil),
            ("/o/hf/a/b/resolve/main/x", "../" + commit.dropFirst(3), nil),
        ] as [(String, String, String?)])
    func paths(_ path: String, _ commit: String, _ expected: String?) {
        #expect(CommitPlace(field: "X-Repo-Commit", segment: "resolve").path(path, at: commit) == expected)
    }
}
