import StorageCloud

/// The sections of one of the two files that the AWS tools share, `config` and `credentials`.
///
/// Sections with the same name are merged, and the later of two values with the same name counts (AWS SDKs and Tools Reference Guide,
/// "Using shared config and credentials files"). Nested values are skipped, because none of them concerns credentials.
struct SharedConfigFile: Sendable, Equatable {
    /// By the text between the brackets, with single spaces. In a `credentials` file each section is a profile.
    private(set) var sections: [String: [String: String]] = [:]

    init() {}

    /// - Throws: `.invalid`, naming the line but not its content.
    init(_ text: String) throws(CredentialsError) {
        var section: String?
        var property: (name: String, indent: Int)?
        // Skips a byte order mark, which some editors write.
        let text = text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
        for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let indent = line.prefix(while: Self.isSpace).count
            let trimmed = Self.trim(line)
            guard let first = trimmed.first, first != "#", first != ";" else { continue }
            if let property, let section, indent > property.indent {
                // Indented lines after a name without a value are nested values; after a value, they continue it.
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

    /// The profiles of a `config` file: `[default]` and every `[profile name]`; `[profile default]` overrides `[default]`.
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

    /// The part before ` #` or ` ;`.
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
