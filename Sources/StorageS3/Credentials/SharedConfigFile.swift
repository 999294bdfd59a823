import StorageCloud

/// The sections of one of the two files that the AWS tools share, `config` and `credentials`.
///
/// Sections of the same name are one, and of two values with the same name the later one counts, as the AWS SDKs and Tools Reference Guide
/// ("Using shared config and credentials files") has it. Nested values are skipped: none of them has to do with credentials.
struct SharedConfigFile: Sendable, Equatable {
    /// By the text between the brackets, with single spaces. In a `credentials` file each is a profile.
    private(set) var sections: [String: [String: String]] = [:]

    init() {}

    /// - Throws: `.invalid`, naming the line and not what it says.
    init(_ text: String) throws(CredentialsError) {
        var section: String?
        var property: (name: String, indent: Int)?
        // A byte order mark, which editors of some systems write.
        let text = text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
        for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let indent = line.prefix(while: Self.isSpace).count
            let trimmed = Self.trim(line)
            guard let first = trimmed.first, first != "#", first != ";" else { continue }
            if let property, let section, indent > property.indent {
                // Below a name without a value stand nested values; below a value, the rest of it.
                if let value = sections[section]?[property.name], !value.isEmpty {
                    sections[section]?[property.name] = "\(value)\n\(trimmed)"
                }
                continue
            }
            if first == "[" {
                guard let name = Self.sectionName(trimmed) else {
                    throw CredentialsError(.invalid, "line \(number + 1): this is not the name of a section; write [name]")
                }
                section = name
                property = nil
                sections[name, default: [:]].merge([:]) { old, _ in old }
                continue
            }
            guard let section else {
                throw CredentialsError(.invalid, "line \(number + 1): this is outside any section; write [name] above it")
            }
            guard let equals = trimmed.firstIndex(of: "="), equals > trimmed.startIndex else {
                throw CredentialsError(.invalid, "line \(number + 1): this is neither a section nor a property; write name = value")
            }
            let name = Self.trim(trimmed[..<equals]).lowercased()
            let value = Self.trim(trimmed[trimmed.index(after: equals)...])
            sections[section]?[name] = String(name == "credential_process" ? value : Self.withoutComment(value))
            property = (name, indent)
        }
    }

    /// The profiles of a `config` file: `[default]` and every `[profile name]`, which counts more if it is `[profile default]`.
    var configProfiles: [String: [String: String]] {
        var profiles: [String: [String: String]] = [:]
        for (name, values) in sections {
            guard name.hasPrefix("profile ") else { continue }
            profiles[Self.unquoted(name.dropFirst("profile ".count))] = values
        }
        if let values = sections["default"], profiles["default"] == nil { profiles["default"] = values }
        return profiles
    }

    private static func sectionName(_ line: Substring) -> String? {
        guard let close = line.firstIndex(of: "]") else { return nil }
        let after = trim(line[line.index(after: close)...])
        guard after.isEmpty || after.first == "#" || after.first == ";" else { return nil }
        let words = line[..<close].dropFirst().split(whereSeparator: isSpace)
        return words.isEmpty ? nil : words.joined(separator: " ")
    }

    /// What stands before ` #` or ` ;`.
    private static func withoutComment(_ value: Substring) -> Substring {
        var previous: Character = " "
        for index in value.indices {
            if value[index] == "#" || value[index] == ";", isSpace(previous) { return trim(value[..<index]) }
            previous = value[index]
        }
        return value
    }

    private static func unquoted(_ name: Substring) -> String {
        for quote in ["\"", "'"] where name.count >= 2 && name.hasPrefix(quote) && name.hasSuffix(quote) {
            return String(name.dropFirst().dropLast())
        }
        return String(name)
    }

    private static func trim(_ text: Substring) -> Substring {
        let start = text.drop(while: isSpace)
        guard let last = start.lastIndex(where: { !isSpace($0) }) else { return "" }
        return start[...last]
    }

    private static func isSpace(_ character: Character) -> Bool { character == " " || character == "\t" }
}
