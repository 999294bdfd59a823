import Logging
import MirrorCore
import NamedOrigins

/// Opens the page store when the first named origin is configured.
struct PageOpening: Sendable {
    let directory: String
    let configuration: PageConfiguration
    let upstream: UpstreamClient
    let metrics: PageMetrics
    let clock: any MirrorClock
    let logger: Logger
    /// `nil` until the store is open.
    let service = Reloadable<PageService?>(nil)

    func open(for configuration: Configuration) throws(StartError) {
        guard !configuration.origins.named.isEmpty, service.value == nil else { return }
        let store: PageStore
        do {
            store = try PageStore(directory: directory, maxBytes: self.configuration.maxBytes, logger: logger)
        } catch let error as PageStoreError {
            throw StartError("origins.pages: \(error.message)")
        } catch {
            throw StartError("origins.pages: \(error)")
        }
        service.replace(
            with: PageService(
                upstream: upstream, store: store, configuration: self.configuration, clock: clock, metrics: metrics, logger: logger))
    }
}
