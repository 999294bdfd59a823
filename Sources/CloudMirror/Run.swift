import ArgumentParser
import MirrorNode
public import MirrorStorage

/// Runs a mirror: the complete command `cloud-mirror`, with the given kinds of storage.
///
/// The `main.swift` of a mirror with its own backend:
///
/// ```swift
/// import CloudMirror
/// import MyStorage
///
/// await CloudMirror.run(services: .standard + [MyService.self])
/// ```
///
/// - Parameters:
///   - services: In the order in which the reference describes them. If two have the same name, the first one counts.
///   - arguments: The arguments after the command's name; `nil` for those of this process.
public func run(services: [any StorageService.Type], arguments: [String]? = nil) async {
    await StorageServices.$current.withValue(StorageServices(services)) {
        let arguments = arguments ?? Array(CommandLine.arguments.dropFirst())
        if let hint = SubcommandHint(arguments, of: CloudMirrorCommand.self) {
            Terminal.note(hint.message)
            CloudMirrorCommand.exit(withError: ExitCode(CommandExit.usage.rawValue))
        }
        await CloudMirrorCommand.main(arguments)
    }
}

extension StorageServices {
    /// The services of the running command.
    @TaskLocal static var current = StorageServices(.standard)
}
