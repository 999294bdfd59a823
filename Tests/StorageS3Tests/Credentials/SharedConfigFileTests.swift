import StorageCloud
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
        ("k = hidden-value\n", "line 1: this is outside any section"),
        ("[a]\nhidden-value\n", "line 2: this is neither"),
        ("[a]\n= hidden-value\n", "line 2: this is neither"),
        ("[a\nk = hidden-value\n", "line 1: this is not the name"),
        ("\n[]\n", "line 2: this is not the name"),
        ("[a] hidden-value\n", "line 1: this is not the name"),
    ]) func `what cannot be read is named by its line, and not shown`(_ file: String, _ message: String) {
        let error = #expect(throws: CredentialsError.self) { try SharedConfigFile(file) }
        #expect(error?.code == .invalid)
        #expect(error?.message.hasPrefix(message) == true, "\(String(describing: error))")
        #expect(error?.message.contains("hidden") == false)
    }

    @Test func `a config file's profiles are default and those with the word in front`() throws {
        let file = try SharedConfigFile(
            "[default]\nk = 1\n[profile x]\nk = 2\n[y]\nk = 3\n[sso-session s]\nk = 4\n[profile \"a b\"]\nk = 5\n[profilez]\nk = 6\n")
        #expect(file.configProfiles == ["default": ["k": "1"], "x": ["k": "2"], "a b": ["k": "5"]])
        #expect(file.sections["y"] == ["k": "3"])
        #expect(try SharedConfigFile("[profile default]\nk = 1\n[default]\nk = 2\n").configProfiles == ["default": ["k": "1"]])
    }
}
