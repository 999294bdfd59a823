import MirrorSettings

extension SettingKind where Value == Configuration.Log.Place {
    /// The word for standard output.
    private static var standardOutput: String { "stdout" }

    /// A path, or `stdout`. A file of that name in the directory of the configuration is `./stdout`.
    static var logPlace: Self {
        SettingKind(
            name: "path or \(standardOutput)",
            parse: { (text, context) throws(InvalidValue) in
                text == standardOutput ? .standardOutput : .file(try SettingKind<String>.path.parse(text, context))
            },
            text: { place in
                switch place {
                case .file(let path): path
                case .standardOutput: standardOutput
                }
            })
    }
}
