import MirrorCore

/// A few fields of a request's query; of several fields with the same name, the first.
///
/// Found in one pass that keeps nothing of other fields: a query of 32 KB may have very many, and it is read before anything is known about the
/// request.
struct QueryFields {
    /// As written in the query.
    private var values: [String: ArraySlice<UInt8>] = [:]

    /// - Parameter names: The wanted fields; none of the names is written with percent-escapes.
    init(_ query: String?, _ names: [String]) {
        let bytes = Array((query ?? "").utf8)
        let wanted = names.map { (name: $0, bytes: Array($0.utf8)) }
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "&")) ?? bytes.count
            let mark = bytes[start..<end].firstIndex(of: UInt8(ascii: "=")) ?? end
            let field = wanted.first { $0.bytes.count == mark - start && bytes[start..<mark].elementsEqual($0.bytes) }
            if let field, values[field.name] == nil { values[field.name] = bytes[min(mark + 1, end)..<end] }
            start = end + 1
        }
    }

    /// A value as written in the query; empty for a field without one.
    func raw(_ name: String) -> ArraySlice<UInt8>? { values[name] }

    /// A value, decoded if it is percent-encoded UTF-8.
    subscript(name: String) -> String? {
        values[name].map { value in
            let text = String(decoding: value, as: UTF8.self)
            return PercentCoding.decode(text) ?? text
        }
    }
}
