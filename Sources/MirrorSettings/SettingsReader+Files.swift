extension SettingsReader {
    /// How many bytes of a file with a secret are read.
    private static var maxSecretFile: Int { 4_096 }

    /// The content of the file that a key names.
    ///
    /// - Parameter isSecret: Whether others on this machine should not be able to read it; a warning if they can.
    /// - Returns: `nil` after recording a problem.
    public func readFile(_ key: String, _ file: String, limit: Int, isSecret: Bool) -> [UInt8]? {
        do {
            let content = try context.environment.read(file, limit)
            if isSecret, content.isWorldReadable { warn("everyone on this machine can read \(file); run chmod o-r on it", key: key) }
            return content.bytes
        } catch {
            report("\(file) cannot be read: \(error.reason)", key: key)
            return nil
        }
    }

    /// The secret in a file of one line.
    ///
    /// - Returns: `nil` after recording a problem.
    public func readSecret(_ key: String, _ file: String) -> Secret? {
        guard let bytes = readFile(key, file, limit: Self.maxSecretFile, isSecret: true) else { return nil }
        let lines = bytes.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") })
        let texts = lines.map { String(decoding: $0, as: UTF8.self).trimmed }.filter { !$0.isEmpty }
        guard let first = texts.first, texts.count == 1 else {
            report("the file must contain a single line, the secret", key: key)
            return nil
        }
        do throws(InvalidValue) {
            return try SettingKind.token.parse(first, context)
        } catch {
            report("the secret in the file \(error.message)", key: key)
            return nil
        }
    }
}

extension String {
    /// The text without blanks at both ends.
    package var trimmed: String {
        let isBlank = { (character: Character) in character == " " || character == "\t" }
        return String(drop(while: isBlank).reversed().drop(while: isBlank).reversed())
    }

    /// Whether this absolute path is below another one, comparing only the text.
    package func isPath(below directory: String) -> Bool {
        directory == "/" ? self != "/" : utf8.starts(with: "\(directory)/".utf8)
    }
}
