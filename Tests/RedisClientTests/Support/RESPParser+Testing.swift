import NIOCore

@testable import RedisClient

extension RESPParser {
    /// What comes out of pieces, as text, up to the error if there is one.
    static func read(_ pieces: [ByteBuffer], limits: Limits = Limits()) -> [String] {
        var parser = RESPParser(limits: limits)
        var items: [String] = []
        for piece in pieces {
            parser.append(piece)
            do throws(RedisError) {
                while let item = try parser.next() { items.append(describe(item)) }
            } catch {
                return items + ["malformed"]
            }
        }
        return items
    }

    static func read(_ text: String, limits: Limits = Limits()) -> [String] {
        read([ByteBuffer(string: text)], limits: limits)
    }

    private static func describe(_ item: Item) -> String {
        switch item {
        case .reply(let value): describe(value)
        case .push(let values): "push" + describe(.array(values))
        }
    }

    private static func describe(_ value: RedisValue) -> String {
        switch value {
        case .null: "null"
        case .simple(let text): "+\(text)"
        case .blob(let bytes): "'\(String(buffer: bytes))'"
        case .integer(let value): "\(value)"
        case .double(let value): "double \(value)"
        case .boolean(let value): "\(value)"
        case .array(let values): "[" + values.map(describe).joined(separator: " ") + "]"
        case .map(let values): "{" + values.map(describe).joined(separator: " ") + "}"
        case .error(let error): "error \(error.code) \(error.message)"
        }
    }
}
