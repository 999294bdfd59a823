import ArgumentParser
import MirrorNode

/// `cloud-mirror generate`: the checked-in texts that are written by the code they describe.
struct GenerateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Write a reference to standard output.", shouldDisplay: false,
        subcommands: [Reference.self, Example.self, Limits.self, Capabilities.self, Policies.self])

    /// docs/configuration.md
    struct Reference: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "configuration-reference", abstract: "Write the reference of the configuration file, in Markdown.")

        func run() async throws {
            print(ConfigurationReference.markdown(.current), terminator: "")
        }
    }

    /// The table in docs/security.md
    struct Limits: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "limits", abstract: "Write every setting that is a limit, in Markdown.")

        func run() async throws {
            print(ConfigurationReference.limits(.current), terminator: "")
        }
    }

    /// The table in docs/storage-backends.md
    struct Capabilities: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "capability-table", abstract: "Write what each kind of storage can do, in Markdown.")

        func run() async throws {
            print(CapabilityTable.markdown(.current), terminator: "")
        }
    }

    /// The policies in docs/operations.md
    struct Policies: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "bucket-policies", abstract: "Write which permissions each role needs on a bucket, in Markdown.")

        func run() async throws {
            print(CapabilityTable.permissions(.current), terminator: "")
        }
    }

    /// config/cloud-mirror.example.yaml
    struct Example: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "configuration-example", abstract: "Write an example of the configuration file, with every key.")

        func run() async throws {
            print(ConfigurationExample.yaml(.current), terminator: "")
        }
    }
}
