package import MirrorCore
package import MirrorSettings

extension Configuration {
    /// Settings from the command line, which override those in the file.
    package struct Overrides: Sendable {
        package var listen: ListenAddress?
        /// May be relative to the current directory.
        package var stateDirectory: String?

        package init(listen: ListenAddress? = nil, stateDirectory: String? = nil) {
            self.listen = listen
            self.stateDirectory = stateDirectory
        }
    }

    /// Loads the configuration from a file, or the zero configuration without one.
    ///
    /// - Parameters:
    ///   - file: A path, absolute or relative to the current directory.
    ///   - services: The kinds of storage that the file may name.
    /// - Throws: ``ConfigurationError`` with every problem in the file.
    package static func load(
        file: String?, services: StorageServices, overrides: Overrides = Overrides(), environment: SettingsEnvironment = .process
    ) throws(ConfigurationError) -> Configuration {
        let stateDirectory = overrides.stateDirectory.map { SettingsEnvironment.absolute($0, in: environment.currentDirectory) }
        var configuration: Configuration
        if let file {
            let content: SettingsEnvironment.File
            do {
                content = try environment.read(
                    SettingsEnvironment.absolute(file, in: environment.currentDirectory), YAMLDocument.maxLength)
            } catch {
                throw ConfigurationError(
                    problems: [SettingsProblem(file: file, path: "", message: "the file cannot be read: \(error.reason)")])
            }
            configuration = try parse(
                content.bytes, file: file, services: services, isWorldReadable: content.isWorldReadable, stateDirectory: stateDirectory,
                environment: environment)
        } else {
            configuration = Configuration(services: services, stateDirectory: stateDirectory ?? defaultStateDirectory(environment))
        }
        if let listen = overrides.listen { configuration.listen = listen }
        return configuration
    }

    /// Parses the configuration from the bytes of a file.
    ///
    /// - Parameters:
    ///   - file: Its path, for messages and as the base of relative paths in it.
    ///   - isWorldReadable: Whether every account on this machine can read it.
    ///   - stateDirectory: Absolute; overrides what the file says.
    static func parse(
        _ bytes: [UInt8], file: String, services: StorageServices, isWorldReadable: Bool = false, stateDirectory: String? = nil,
        environment: SettingsEnvironment
    ) throws(ConfigurationError) -> Configuration {
        let path = SettingsEnvironment.absolute(file, in: environment.currentDirectory)
        let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
        let context = SettingsContext(file: file, directory: directory, environment: environment)
        var configuration: Configuration?
        do {
            let root = try YAMLDocument.parse(bytes) ?? SettingsNode(content: .mapping([]), line: 1, column: 1)
            SettingsElement(context, path: "", node: root).section {
                configuration = Configuration($0, services: services, stateDirectory: stateDirectory)
            }
        } catch {
            context.report(error.message, path: "", line: error.line, column: error.column)
        }
        guard context.problems.isEmpty, var configuration else { throw ConfigurationError(problems: context.sortedProblems) }
        configuration.source = .file(file)
        configuration.warnings = context.warnings
        if isWorldReadable, context.holdsSecret {
            let message =
                "the file contains a secret, and everyone on this machine can read it; run chmod o-r on it, "
                + "or keep the secret in another file"
            configuration.warnings.append(SettingsProblem(file: file, path: "", message: message))
        }
        return configuration
    }

    /// The outline of all keys, found without reading a file.
    static func outline(_ services: StorageServices) -> [SettingsOutline] {
        // The outline must not depend on the machine that generates it.
        let nothing = SettingsEnvironment(
            variable: { _ in nil },
            read: { (_, _) throws(SettingsEnvironment.FileProblem) in throw SettingsEnvironment.FileProblem("not read") },
            currentDirectory: "/")
        let context = SettingsContext(file: "", directory: "/", environment: nothing, isDocumenting: true)
        SettingsReader(context, path: "", node: nil).read { _ = Configuration($0, services: services, stateDirectory: nil) }
        return context.outline
    }
}
