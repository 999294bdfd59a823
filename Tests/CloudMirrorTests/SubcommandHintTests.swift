import Testing

@testable import CloudMirror

@Suite("Mistyped commands")
struct SubcommandHintTests {
    @Test(
        "A word that is nearly a command is taken for it",
        arguments: [
            (["stast"], "stast", "stats"), (["gte", "https://example.org/x"], "gte", "get"),
            (["pools", "chekc"], "pools chekc", "pools check"),
            (["hepl"], "hepl", "help"), (["sevre", "--config", "x"], "sevre", "serve"),
        ])
    func hints(arguments: [String], typed: String, meant: String) throws {
        let hint = try #require(SubcommandHint(arguments, of: CloudMirrorCommand.self))
        #expect(hint.typed == typed)
        #expect(hint.meant == meant)
    }

    @Test(
        "What exists, what is like nothing, options, and commands that are not shown are the parser's",
        arguments: [
            [], ["stats"], ["pools"], ["pools", "check"], ["nonsense"], ["--hepl"], ["help", "stast"], ["get", "stast"], ["generat"],
            [String(repeating: "a", count: 1_000)],
        ])
    func none(arguments: [String]) {
        #expect(SubcommandHint(arguments, of: CloudMirrorCommand.self) == nil)
    }
}
