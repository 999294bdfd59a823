import ArgumentParser
import Testing

@testable import CloudMirror

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What commands say about themselves, and what the documentation says about them.
@Suite("The help of commands")
struct CommandHelpTests {
    private static func document(_ path: String) throws -> String {
        let root = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()
        return String(decoding: try Data(contentsOf: URL(filePath: "\(root)/\(path)")), as: UTF8.self)
    }

    /// A command that is shown, and those below it.
    private static func all(
        _ command: any ParsableCommand.Type, _ words: String
    ) -> [(words: String, command: any ParsableCommand.Type)] {
        var found = [(words: words, command: command)]
        for child in command.configuration.subcommands where child.configuration.shouldDisplay {
            found += all(child, "\(words) \(child._commandName)")
        }
        return found
    }

    @Test("The help of each command ends with its exit codes")
    func exitCodes() {
        let commands = Self.all(CloudMirrorCommand.self, "cloud-mirror")
        #expect(commands.count >= 20)
        for (words, command) in commands {
            let codes = command.configuration.discussion.split(separator: "Exit codes:\n", omittingEmptySubsequences: false)
            #expect(codes.count == 2, "\(words)")
            #expect(codes.last?.hasPrefix("   0  done\n") == true, "\(words)")
            #expect(codes.last?.contains("\n  64  ") == true, "\(words)")
        }
    }

    @Test("docs/cli.md lists each command, and each exit code")
    func listed() throws {
        let text = try Self.document("docs/cli.md")
        for command in CloudMirrorCommand.configuration.subcommands where command.configuration.shouldDisplay {
            #expect(text.contains("\n| `\(command._commandName)"), "\(command._commandName)")
        }
        for code in CommandExit.allCases { #expect(text.contains("\n| \(code.rawValue) | ")) }
    }

    // MARK: What the documentation tells people to type

    /// What stands behind `cloud-mirror`, in a block or within a sentence.
    private static func lines(of text: String) -> [(text: String, isInBlock: Bool)] {
        // What is broken over several lines is one.
        let parts = text.replacing(#/\\\n */#, with: "").split(separator: #/(?m)^```.*$/#, omittingEmptySubsequences: false)
        var lines: [(text: String, isInBlock: Bool)] = []
        for (number, part) in parts.enumerated() {
            if number.isMultiple(of: 2) {
                lines += part.matches(of: #/`cloud-mirror ([a-z][^`]*)`/#).map { (text: String($0.1), isInBlock: false) }
            } else {
                let found = part.matches(of: #/(?m)(?:^|\$ |sudo |exec [A-Z]+ |\$\()cloud-mirror ([a-z].*)$/#)
                lines += found.map { (text: String($0.1), isInBlock: true) }
            }
        }
        return lines
    }

    /// The words up to where the shell reads something else.
    private static func words(of line: String) -> [String] {
        let end = line.firstRange(of: #/ +[|>]| +# |["')]/#)?.lowerBound ?? line.endIndex
        return line[..<end].split(separator: " ").map(String.init)
    }

    @Test(
        "Commands and options in the documentation are those that there are, and lines to copy can be read",
        arguments: [
            "README.md", "docs/cli.md", "docs/clients.md", "docs/configuration.md", "docs/money.md", "docs/operations.md",
            "docs/runbook.md", "docs/security.md", "docs/storage-backends.md",
        ])
    func documented(_ path: String) throws {
        let lines = Self.lines(of: try Self.document(path))
        #expect(!lines.isEmpty)
        for (line, isInBlock) in lines {
            let words = Self.words(of: line)
            guard words.first != "help" else { continue }
            var command: any ParsableCommand.Type = CloudMirrorCommand.self
            for word in words {
                guard let child = command.configuration.subcommands.first(where: { $0._commandName == word }) else { break }
                command = child
            }
            let isCommand = command != CloudMirrorCommand.self
            #expect(isCommand, "there is no such command: \(line)")
            let help = CloudMirrorCommand.helpMessage(for: command, includeHidden: true, columns: 1_000)
            let known = Set(help.split { " ,\n[]()".contains($0) }.map(String.init))
            for option in words.joined(separator: " ").matches(of: #/(?:^|[ \[])(--?[a-zA-Z][a-z0-9-]*)/#) {
                #expect(known.contains(String(option.1)), "it has no \(option.1): \(line)")
            }
            // Neither the form of a command nor with a word in place of a URL.
            guard isInBlock || line.contains(" --"), !line.contains("["), !line.contains("…"), !words.contains("URL") else { continue }
            #expect(throws: Never.self, "\(line)") { try CloudMirrorCommand.parseAsRoot(words) }
        }
    }
}
