import MirrorNode
import MirrorSettings

/// Reads the configuration for a command. Problems go to standard error, one per line, in a format that editors understand.
enum ConfigurationLoader {
    static func load(_ file: String?, overrides: Configuration.Overrides) throws(CommandFailure) -> Configuration {
        do {
            return try Configuration.load(file: file, services: StorageServices.current, overrides: overrides)
        } catch {
            Terminal.writeToStandardError("\(TextTable.printableLines(error.description))\n")
            let count = error.problems.count
            throw CommandFailure("the configuration has \(count == 1 ? "a problem" : "\(count) problems")", exit: .configuration)
        }
    }
}
