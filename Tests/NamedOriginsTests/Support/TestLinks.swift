import MirrorCore

@testable import NamedOrigins

/// Places that a test lists: what URLs begin with, the path that stands for it, and whether the place is whole.
struct TestLinks: LinkMap {
    var places: [LinkPlace] = []
    var fingerprint = "test"

    init(_ places: [(url: String, path: String)] = [], isWhole: Bool = true) throws {
        self.places = try places.map { LinkPlace(url: try ArtifactURL($0.url), path: $0.path, isWhole: isWhole) }
    }

    func place(of url: ArtifactURL) -> LinkPlace? { places.first { url.isBelow($0.url) } }
}
