import ArgumentParser
import MirrorNode
import NamedOrigins

/// `cloud-mirror generate`: writes the checked-in documents that are generated from code.
struct GenerateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Write a reference to standard output.", shouldDisplay: false)

    enum Reference: String, CaseIterable, ExpressibleByArgument {
        /// docs/configuration.md
        case configuration = "configuration-reference"
        /// config/cloud-mirror.example.yaml
        case example = "configuration-example"
        /// The table in docs/security.md
        case limits
        /// The table in docs/storage-backends.md
        case capabilities = "capability-table"
        /// The table of copies in docs/storage-backends.md
        case copies = "copy-table"
        /// The policies in docs/operations.md
        case policies = "bucket-policies"
        /// deploy/monitoring/grafana-dashboard.json
        case dashboard = "grafana-dashboard"
        /// deploy/monitoring/alert-rules.yaml
        case alerts = "alert-rules"
        /// deploy/monitoring/recording-rules.yaml
        case recordings = "recording-rules"
        /// The recipes in docs/clients.md
        case clients = "client-recipes"
    }

    @Argument(help: "Which one.")
    var reference: Reference

    func run() async throws {
        let text =
            switch reference {
            case .configuration: ConfigurationReference.markdown(.current)
            case .example: ConfigurationExample.yaml(.current)
            case .limits: ConfigurationReference.limits(.current)
            case .capabilities: CapabilityTable.markdown(.current)
            case .copies: try CopyTable.markdown(.current)
            case .policies: CapabilityTable.permissions(.current)
            case .dashboard: GrafanaDashboard.json
            case .alerts: AlertRules.yaml
            case .recordings: RecordingRules.yaml
            case .clients: ClientRecipes.markdown
            }
        print(text, terminator: "")
    }
}
