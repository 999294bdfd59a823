import ArgumentParser
import MirrorCore

struct CloudMirrorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cloud-mirror",
        abstract: "Copies immutable artifacts into the client's region and redirects to the copies.",
        discussion: CommandExit.help,
        version: CloudMirrorVersion.current,
        subcommands: [
            ServeCommand.self, CopierCommand.self, CheckConfigCommand.self, DoctorCommand.self, GetCommand.self,
            URLCommand.self, WarmCommand.self,
            PurgeCommand.self, ReplicasCommand.self,
            PoolsCommand.self, WhichCommand.self, ClientsCommand.self, StatsCommand.self, TopCommand.self, HealthCommand.self,
            PlanCommand.self, GenerateCommand.self, GenerateRegionsCommand.self,
        ])
}
