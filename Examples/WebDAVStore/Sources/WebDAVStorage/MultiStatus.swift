import Foundation
import MirrorCore
import NIOCore

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// What a server answers to PROPFIND: the resources that it found (RFC 4918 §13).
struct MultiStatus {
    /// Why an answer is not read.
    struct Unreadable: Error, Equatable {
        let reason: String
    }

    static let maxResources = 1_000_000
    static let maxDepth = 32
    /// Bytes of a resource's URL.
    static let maxURL = 8_192

    /// The last component of each resource's path, not encoded. The collection that was asked about is one of them.
    let names: [String]

    /// A document with a type is not read: it could have entities, which lead to files and other servers, or grow without end.
    ///
    /// - Throws: ``Unreadable`` for what is not such a document, or larger than the limits allow.
    init(_ document: ByteBuffer) throws(Unreadable) {
        let data = Data(document.readableBytesView)
        // A zero byte is of another encoding than UTF-8, in which a type could hide.
        guard data.range(of: Data("<!DOCTYPE".utf8)) == nil, !data.contains(0) else {
            throw Unreadable(reason: "it declares a document type, or is not UTF-8")
        }
        let reader = MultiStatusReader()
        let parser = XMLParser(data: data)
        parser.shouldProcessNamespaces = true
        parser.shouldResolveExternalEntities = false
        parser.delegate = reader
        let isWhole = withExtendedLifetime(reader) { parser.parse() }
        if let problem = reader.problem { throw Unreadable(reason: problem) }
        // On Linux the parser calls a document whole that ends too early.
        guard isWhole, parser.parserError == nil, reader.isMultiStatus else {
            throw Unreadable(reason: "it is not a multi-status document")
        }
        names = reader.names
    }
}

/// Gathers what is wanted while the document is read.
private final class MultiStatusReader: NSObject, XMLParserDelegate {
    private(set) var names: [String] = []
    /// Whether the outermost element is one, and has ended.
    private(set) var isMultiStatus = false
    private(set) var problem: String?
    /// The elements that are open, outermost first; empty for those that are not of WebDAV's.
    private var path: [String] = []
    private var text = ""
    private var url: String?
    private var isFound = true

    func parser(
        _ parser: XMLParser, didStartElement elementName: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String] = [:]
    ) {
        path.append(namespaceURI == "DAV:" ? elementName : "")
        text = ""
        if path == ["multistatus", "response"] { (url, isFound) = (nil, true) }
        if path.count > MultiStatus.maxDepth { give(up: "its elements are nested too deeply", parser) }
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) {
        text += string
        if text.utf8.count > MultiStatus.maxURL { give(up: "it holds a text that is too long", parser) }
    }

    func parser(_ parser: XMLParser, didEndElement elementName: String, namespaceURI: String?, qualifiedName: String?) {
        let name = namespaceURI == "DAV:" ? elementName : ""
        guard path.last == name else { return give(up: "its elements do not match", parser) }
        switch path {
        case ["multistatus"]: isMultiStatus = true
        case ["multistatus", "response", "href"]: url = url ?? text
        // `HTTP/1.1 404 Not Found`: it was there a moment ago.
        case ["multistatus", "response", "status"]: isFound = text.split(separator: " ").dropFirst().first?.hasPrefix("2") ?? false
        case ["multistatus", "response"]: if isFound, let name = url.flatMap(Self.name) { names.append(name) }
        default: break
        }
        path.removeLast()
        text = ""
        if names.count > MultiStatus.maxResources { give(up: "it names too many resources", parser) }
    }

    /// Of a URL, or of a path alone (RFC 4918 §8.3).
    private static func name(of url: String) -> String? {
        let text = url.trimmingCharacters(in: .whitespacesAndNewlines)
        // By bytes: a mark at the name's beginning is one character with the slash before it.
        return text.utf8.split(separator: UInt8(ascii: "/")).last.flatMap { PercentCoding.decode(Substring($0)) }
    }

    private func give(up problem: String, _ parser: XMLParser) {
        self.problem = self.problem ?? problem
        parser.abortParsing()
    }
}
