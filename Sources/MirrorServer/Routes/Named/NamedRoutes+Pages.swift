import Hummingbird
import NamedOrigins

/// Pages: what changes, and is revalidated.
extension NamedRoutes {
    func page(_ call: NamedCall, _ request: Request) async throws -> Response {
        try await relay(call, request)
    }
}
