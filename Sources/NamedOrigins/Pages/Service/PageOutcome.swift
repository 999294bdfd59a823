import MirrorCore

/// The outcome of a request to an origin for a page.
enum PageOutcome: Sendable {
    /// It is in the store.
    case kept(StoredPage, isNew: Bool)
    /// It is not stored, because it must not be, or cannot be checked. Waiting clients get it from its file, which is removed afterwards.
    case loose(LoosePage)
    /// The origin answers something else, which is passed on.
    case other(OriginWord)
    /// The origin cannot answer now.
    case down(PageError)
}

struct LoosePage: Sendable {
    let record: PageRecord
    let writer: PageWriter
}

/// An answer without a page: 404, 403, 503, ….
struct OriginWord: Sendable {
    /// Bytes; longer bodies are left out.
    static let maxBody = 64 << 10
    /// Bytes of body and fields; those that have more are not remembered.
    static let maxRemembered = 4 << 10

    let status: Int
    let fields: [PageRecord.Field]
    let body: [UInt8]

    /// Of body and fields, in bytes.
    var size: Int { fields.reduce(body.count) { $0 + $1.name.utf8.count + $1.value.utf8.count } }
    /// Whether it says that there is no such page, so that an older one must not be served.
    var isAbsence: Bool { [404, 410, 451].contains(status) }
    /// Whether the origin may say something else a moment later.
    var isTransient: Bool { status >= 500 && status != 501 && status != 505 || [408, 425, 429].contains(status) }
}
