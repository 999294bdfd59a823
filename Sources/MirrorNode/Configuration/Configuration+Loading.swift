extension Configuration {
    /// What the command line says, which goes before what the file says.
    package struct Overrides: Sendable {
        package var listen: ListenAddress?
        /// May be relative to the current directory.
        package var stateDirectory: String?

        package init(listen: ListenAddress? = nil, stateDirectory: String? = nil) {
            self.listen = listen
            self.stateDirectory = stateDirectory
        }
    }

    /// The configuration in a file, or the zero configuration without one.
    ///
    /// - Parameter file: A path, absolute or relative to the current directory.
    /// - Throws: ``ConfigurationError`` with everything that is wrong with the file.
    package static func load(
        file: String?, overrides: Overrides = Overrides(), environment: ConfigurationEnvironment = .process
    ) throws(ConfigurationError) -> Configuration {
        let stateDirectory = overrides.stateDirectory.map { ConfigurationEnvironment.absolute($0, in: environment.currentDirectory) }
        var configuration: Configuration
        if let file {
            let content: ConfigurationEnvironment.File
            do {
                content = try environment.read(
                    ConfigurationEnvironment.absolute(file, in: environment.currentDirectory), YAMLDocument.maxLength)
            } catch {
                throw ConfigurationError(
                    problems: [ConfigurationProblem(file: file, path: "", message: "the file cannot be read: \(error.reason)")])
            }
            configuration = try parse(
                content.bytes, file: file, isWorldReadable: content.isWorldReadable, stateDirectory: stateDirectory,
                environment: environment)
        } else {
            configuration = Configuration(stateDirectory: stateDirectory ?? defaultStateDirectory(environment))
        }
        if let listen = overrides.listen { configuration.listen = listen }
        return configuration
    }

    /// The configuration in the bytes of a file.
    ///
    /// - Parameters:
    ///   - file: Its path, for messages and as the start of relative paths in it.
    ///   - isWorldReadable: Whether everybody on this machine can read it.
    ///   - stateDirectory: Absolute; overrides what the file says.
    static func parse(
        _ bytes: [UInt8], file: String, isWorldReadable: Bool = false, stateDirectory: String? = nil, environment: ConfigurationEnvironment
    ) throws(ConfigurationError) -> Configuration {
        let path = ConfigurationEnvironment.absolute(file, in: environment.currentDirectory)
        let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
        let context = ConfigurationContext(file: file, directory: directory, environment: environment)
        var configuration: Configuration?
        do {
            let root = try YAMLDocument.parse(bytes) ?? YAMLNode(content: .mapping([]), line: 1, column: 1)
            ConfigurationElement(context, path: "", node: root).section {
                configuration = Configuration($0, stateDirectory: stateDirectory)
            }
        } catch {
            context.report(error.message, path: "", line: error.line, column: error.column)
        }
        guard context.problems.isEmpty, var configuration else { throw ConfigurationError(problems: context.sortedProblems) }
        configuration.source = .file(file)
        configuration.warnings = context.warnings
        if isWorldReadable, context.holdsSecret {
            let message =
                "everybody on this machine can read the file, and a secret stands in it; chmod o-r it, or keep the secret in a file of its own"
            configuration.warnings.append(ConfigurationProblem(file: file, path: "", message: message))
        }
        return configuration
    }

    /// The steps of a walk over all keys.
    static var outline: [ConfigurationOutline] {
        // The description must not depend on the machine that writes it.
        let nothing = ConfigurationEnvironment(
            variable: { _ in nil },
            read: { (_, _) throws(ConfigurationEnvironment.FileProblem) in throw ConfigurationEnvironment.FileProblem("not read") },
            currentDirectory: "/")
        let context = ConfigurationContext(file: "", directory: "/", environment: nothing, isDocumenting: true)
        ConfigurationReader(context, path: "", node: nil).read { _ = Configuration($0, stateDirectory: nil) }
        return context.outline
    }
}
