import Testing

@testable import StorageCloud

struct CommandLineWordsTests {
    @Test(arguments: [
        ("a  b\tc", ["a", "b", "c"]), ("", []), ("  ", []), ("'a b' \"c d\"", ["a b", "c d"]), ("a'b'\"c\"d", ["abcd"]), ("''", [""]),
        (#""a\"b\\c\d""#, [#"a"b\c\d"#]), (#"'a\b' a\ b \'"#, [#"a\b"#, "a b", "'"]),
        ("$HOME $(id) ; | > x #", ["$HOME", "$(id)", ";", "|", ">", "x", "#"]),
    ]) func `a command line is taken apart at its spaces and quotes alone`(_ line: String, _ words: [String]) {
        #expect(CommandLineWords.split(line) == words)
    }

    @Test(arguments: ["'a", "\"a", "a\\", "\"a\\"]) func `a quote that is not closed is no command line`(_ line: String) {
        #expect(CommandLineWords.split(line) == nil)
    }
}
