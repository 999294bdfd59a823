import MirrorCore
import Testing

@testable import StorageS3

struct SharedConfigFileTests {
    /// What is in a file, and what it says.
    static let readings: [(file: String, sections: [String: [String: String]])] = [
        ("", [:]),
        ("[a]\nk = v\n", ["a": ["k": "v"]]),
        ("\u{FEFF}[a]\r\nk=v\r\n\r\n[b]\r\nl = w\r\n", ["a": ["k": "v"], "b": ["l": "w"]]),
        ("# comment\n; comment\n[a] # comment\nk = v # comment\nl = v#w ; comment\nm = #\n", ["a": ["k": "v", "l": "v#w", "m": ""]]),
        ("[ profile \t x ]\nK = V=W\n", ["profile x": ["k": "V=W"]]),
        ("[a]\nk = 1\nl = 1\n[b]\nk = 2\n[a]\nk = 3\n", ["a": ["k": "3", "l": "1"], "b": ["k": "2"]]),
        ("[a]\nk = 1\nk = 2\n", ["a": ["k": "2"]]),
        ("[a]\ns3 =\n  aws_access_key_id = nested\n  [no section]\nk = v\n", ["a": ["s3": "", "k": "v"]]),
        ("[a]\n  k = v\n  l = w\n\tm = x\n", ["a": ["k": "v", "l": "w", "m": "x"]]),
        ("[a]\nk = one\n  two\nl = w\n", ["a": ["k": "one\ntwo", "l": "w"]]),
        ("[a]\ncredential_process = run '#1' ; #2\n", ["a": ["credential_process": "run '#1' ; #2"]]),
        ("[a]\n[b]\n", ["a": [:], "b": [:]]),
    ]

    @Test(arguments: readings) func `sections and values are read`(_ reading: (file: String, sections: [String: [String: String]])) throws {
        #expect(try SharedConfigFile(reading.file).sections == reading.sections)
    }

    @Test(arguments: [
        ("k = hidden-value\n", "line 1: this stands in no section"),
        ("[a]\nhidden-value\n", "line 2: this is neither"),
        ("[a]\n= hidden-value\n", "line 2: this is neither"),
        ("[a\nk = hidden-value\n", "line 1: this is no name"),
        ("\n[]\n", "line 2: this is no name"),
        ("[a] hidden-value\n", "line 1: this is no name"),
    ]) func `what cannot be read is named by its line, and not shown`(_ file: String, _ message: String) {
        let error = #expect(throws: S3CredentialsError.self) { try SharedConfigFile(file) }
        #expect(error?.code == .invalid)
        #expect(error?.message.hasPrefix(message) == true, "\(String(describing: error))")
        #expect(error?.message.contains("hidden") == false)
    }

    @Test func `a config file's profiles are default and those with the word in front`() throws {
        let file = try SharedConfigFile(
            "[default]\nk = 1\n[profile x]\nk = 2\n[y]\nk = 3\n[sso-session s]\nk = 4\n[profile \"a b\"]\nk = 5\n[profilez]\nk = 6\n")
        #expect(file.configProfiles == ["default": ["k": "1"], "x": ["k": "2"], "a b": ["k": "5"]])
        #expect(file.credentialsProfiles["y"] == ["k": "3"])
        #expect(try SharedConfigFile("[profile default]\nk = 1\n[default]\nk = 2\n").configProfiles == ["default": ["k": "1"]])
    }

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

    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2026-01-31T12:34:56Z", 1_769_862_896_000), ("2024-02-29T23:59:59.5Z", 1_709_251_199_500),
        ("2000-03-01T00:00:00.123456+05:30", 951_849_000_123), ("1969-12-31T23:59:59-00:01", 59_000),
        ("2099-12-31T00:00:00+0000", 4_102_358_400_000), ("2026-01-31 12:34:56Z", 1_769_862_896_000),
    ]) func `times are read as RFC 3339 writes them`(_ text: String, _ milliseconds: Int64) {
        #expect(CredentialTime.parse(text)?.milliseconds == milliseconds)
    }

    @Test(arguments: [
        "", "now", "2026-01-31", "2026-01-31T12:34:56", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-31T24:00:00Z",
        "2026-01-31T12:34:56.Z", "2026-01-31T12:34:56Zz", "26-01-31T12:34:56Z", "2026-01-31T12:34:56+24:00", "1769862896",
    ]) func `anything else is no time`(_ text: String) {
        #expect(CredentialTime.parse(text) == nil)
    }
}
