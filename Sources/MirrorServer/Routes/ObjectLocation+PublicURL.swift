import MirrorStorage

extension ObjectLocation {
    /// The location as clients get it.
    ///
    /// - Parameter publicURL: How clients reach the mirror; goes before a location that is a path. `nil` leaves it relative.
    func url(behind publicURL: String?) -> String { url.hasPrefix("/") ? (publicURL ?? "") + url : url }
}
