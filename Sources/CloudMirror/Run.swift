import ArgumentParser
import MirrorNode
public import MirrorStorage

/// Runs a mirror: the whole of the command `cloud-mirror`, with the kinds of storage that it is given.
///
/// This is the `main.swift` of a mirror with a backend of its own:
///
/// ```swift
/// import CloudMirror
/// import MyStorage
///
/// await CloudMirror.run(services: .standard + [MyService.self])
/// ```
///
/// - Parameters:
///   - services: In the order in which the reference describes them. Of two with one name the first counts.
///   - arguments: What follows the command's name; `nil` for those of this process.
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
    /// Of the command that runs.
    @TaskLocal static var current = StorageServices(.standard)
}
