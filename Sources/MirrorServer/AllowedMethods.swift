import HTTPTypes
import Hummingbird

/// The methods that each path supports, for requests with another method.
struct AllowedMethods: Sendable {
    private let routes: [(path: [RouterPath.Element], method: HTTPRequest.Method)]

    init(_ router: Router<MirrorRequestContext>) {
        routes = router.routes.map { ($0.path.components, $0.method) }
    }

    /// The value of the field `Allow`; `nil` if no route leads to the path.
    func field(at path: String) -> String? {
        let segments = path.split(separator: "/")
        let methods = routes.filter { Self.leads($0.path, to: segments) }.map(\.method.rawValue)
        return methods.isEmpty ? nil : Set(methods).sorted().joined(separator: ", ")
    }

    private static func leads(_ path: [RouterPath.Element], to segments: [Substring]) -> Bool {
        for (position, element) in path.enumerated() {
            guard position < segments.count, element ~= segments[position] else { return false }
            if element == .recursiveWildcard { return true }
        }
        return path.count == segments.count
    }
}
