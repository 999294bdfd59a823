import MirrorStorage

extension ObjectLocation {
    /// As clients get it.
    ///
    /// - Parameter publicURL: How they reach the mirror, on which a location that is a path is; `nil` leaves it relative.
    func url(behind publicURL: String?) -> String { url.hasPrefix("/") ? (publicURL ?? "") + url : url }
}
