package import NIOCore

/// An element of a service's answer, with its content.
package struct XMLTree: Sendable, Hashable {
    /// Without its prefix.
    package let name: String
    /// The text between the tags if there are no child elements, including surrounding whitespace.
    package let text: String
    package let children: [XMLTree]
    /// Values by name, both exactly as in the document: prefixes and references are kept.
    package let attributes: [String: String]

    /// The first child with a name.
    package subscript(_ name: String) -> XMLTree? { children.first { $0.name == name } }

    package func all(_ name: String) -> [XMLTree] { children.filter { $0.name == name } }
}

extension XMLTree {
    /// Parses a document.
    ///
    /// - Parameter limit: Bytes.
    /// - Throws: ``XMLTreeError`` for a document that is not well-formed, too long, too deep (16 levels) or has too many elements (100,000), and for
    ///   every document type declaration: no service sends one, and they can do harm.
    package init(parsing document: ByteBuffer, limit: Int = 1 << 20) throws(XMLTreeError) {
        guard document.readableBytes <= limit else { throw XMLTreeError("it is longer than \(limit) bytes") }
        var reader = Reader(bytes: Array(document.readableBytesView))
        self = try reader.document()
    }

    /// Reads the small part of XML 1.0 that object stores use. Foundation's parser needs a library that is not linked statically.
    private struct Reader {
        let bytes: [UInt8]
        var position = 0
        var elementsLeft = 100_000

        static let maxDepth = 16

        mutating func document() throws(XMLTreeError) -> XMLTree {
            if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
            try skipMisc()
            guard peek() == UInt8(ascii: "<") else { throw XMLTreeError("there is no element") }
            let root = try element(depth: 1)
            try skipMisc()
            guard position == bytes.count else { throw XMLTreeError("something follows the document's element") }
            return root
        }

        private func peek() -> UInt8? { position < bytes.count ? bytes[position] : nil }

        private func isAt(_ text: String) -> Bool { bytes[position...].starts(with: text.utf8) }

        private mutating func skip(to text: String) throws(XMLTreeError) -> ArraySlice<UInt8> {
            let pattern = Array(text.utf8)
            let start = position
            while position + pattern.count <= bytes.count {
                if bytes[position] == pattern[0], isAt(text) {
                    defer { position += pattern.count }
                    return bytes[start..<position]
                }
                position += 1
            }
            throw XMLTreeError("it ends early")
        }

        private mutating func skipSpace() {
            while let byte = peek(), Self.isSpace(byte) { position += 1 }
        }

        /// Skips declarations, comments and whitespace.
        private mutating func skipMisc() throws(XMLTreeError) {
            while true {
                skipSpace()
                if isAt("<?") {
                    _ = try skip(to: "?>")
                } else if isAt("<!--") {
                    _ = try skip(to: "-->")
                } else {
                    return
                }
            }
        }

        /// Reads an element, from its `<` to the end of its closing tag.
        private mutating func element(depth: Int) throws(XMLTreeError) -> XMLTree {
            guard depth <= Self.maxDepth else { throw XMLTreeError("it is nested too deeply") }
            elementsLeft -= 1
            guard elementsLeft >= 0 else { throw XMLTreeError("it has too many elements") }
            position += 1
            let name = try tagName()
            let (attributes, isEmpty) = try readAttributes()
            if isEmpty { return XMLTree(name: Self.local(name), text: "", children: [], attributes: attributes) }
            var text: [UInt8] = []
            var children: [XMLTree] = []
            while true {
                guard let byte = peek() else { throw XMLTreeError("it ends early") }
                if byte == UInt8(ascii: "&") {
                    text += try reference()
                } else if byte != UInt8(ascii: "<") {
                    text.append(byte)
                    position += 1
                } else if isAt("</") {
                    position += 2
                    guard try tagName() == name else { throw XMLTreeError("a closing tag is not its element's") }
                    skipSpace()
                    guard peek() == UInt8(ascii: ">") else { throw XMLTreeError("a closing tag does not end") }
                    position += 1
                    // Text between elements is only layout.
                    return XMLTree(
                        name: Self.local(name), text: children.isEmpty ? String(decoding: text, as: UTF8.self) : "", children: children,
                        attributes: attributes)
                } else if isAt("<![CDATA[") {
                    position += 9
                    text += try skip(to: "]]>")
                } else if isAt("<!--") {
                    _ = try skip(to: "-->")
                } else if isAt("<?") {
                    _ = try skip(to: "?>")
                } else {
                    children.append(try element(depth: depth + 1))
                }
            }
        }

        private mutating func tagName() throws(XMLTreeError) -> ArraySlice<UInt8> {
            let start = position
            while let byte = peek(), !Self.isSpace(byte), !"<>/!=\"'&".utf8.contains(byte) { position += 1 }
            guard position > start else { throw XMLTreeError("a tag has no name, or declares a type") }
            return bytes[start..<position]
        }

        /// - Returns: The attributes, and whether the element is empty: `<a/>`.
        private mutating func readAttributes() throws(XMLTreeError) -> (attributes: [String: String], isEmpty: Bool) {
            var attributes: [String: String] = [:]
            var name: [UInt8] = []
            while let byte = peek() {
                position += 1
                switch byte {
                case UInt8(ascii: ">"): return (attributes, false)
                case UInt8(ascii: "\""), UInt8(ascii: "'"):
                    let value = try skip(to: String(decoding: [byte], as: UTF8.self))
                    attributes[String(decoding: name, as: UTF8.self)] = String(decoding: value, as: UTF8.self)
                    name = []
                case UInt8(ascii: "/"):
                    guard peek() == UInt8(ascii: ">") else { throw XMLTreeError("a tag does not end") }
                    position += 1
                    return (attributes, true)
                case UInt8(ascii: "<"): throw XMLTreeError("a tag does not end")
                case UInt8(ascii: "="): break
                default: if !Self.isSpace(byte) { name.append(byte) }
                }
            }
            throw XMLTreeError("it ends early")
        }

        private mutating func reference() throws(XMLTreeError) -> [UInt8] {
            position += 1
            let name = String(decoding: try skip(to: ";").prefix(12), as: UTF8.self)
            if let character = ["amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'"][name] { return Array(character.utf8) }
            let number = name.hasPrefix("#x") ? UInt32(name.dropFirst(2), radix: 16) : name.hasPrefix("#") ? UInt32(name.dropFirst()) : nil
            guard let number, let scalar = Unicode.Scalar(number) else { throw XMLTreeError("it has an unknown entity") }
            return Array(String(Character(scalar)).utf8)
        }

        private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

        private static func local(_ name: ArraySlice<UInt8>) -> String {
            let start = name.lastIndex(of: UInt8(ascii: ":")).map { $0 + 1 } ?? name.startIndex
            return String(decoding: name[start...], as: UTF8.self)
        }
    }
}

/// Why a document cannot be read.
package struct XMLTreeError: Error, Sendable, Equatable, CustomStringConvertible {
    package let reason: String

    init(_ reason: String) {
        self.reason = reason
    }

    package var description: String { "not the service's XML: \(reason)" }
}
