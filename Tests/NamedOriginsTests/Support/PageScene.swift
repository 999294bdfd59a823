import CoreMetrics
import HTTPTypes
import Logging
import MirrorCore
import MirrorNet
import MirrorSettings
import MirrorTesting
import NIOCore
import NIOPosix
import TestServers

@testable import NamedOrigins

/// A page service on a directory of its own, in front of an origin on loopback.
struct PageScene {
    let origin: FakeOrigin
    let clock: ManualClock
    let log: LogRecorder
    let directory: TemporaryDirectory
    let store: PageStore
    let service: PageService
    let tokens: UpstreamTokens
    let upstream: UpstreamClient
    var named: NamedOrigin

    /// Names that all mean this machine.
    private struct Names: HostResolver {
        func addresses(of name: String) async throws -> [IPAddress] { [IPAddress("127.0.0.1")].compactMap { $0 } }
    }

    static func run(
        _ configuration: PageConfiguration = PageConfiguration(), maxPages: Int = 1_000, directory: TemporaryDirectory? = nil,
        isolation: isolated (any Actor)? = #isolation, _ body: (PageScene) async throws -> Void
    ) async throws {
        try await FakeOrigin.run { origin async throws in
            let log = LogRecorder(.debug)
            let network = [IPNetwork("127.0.0.0/8")].compactMap { $0 }
            let policy = try EgressPolicy(
                allow: ["127.0.0.1", "auth.example", "files.example"].map { .prefix(try ArtifactURL("http://\($0):\(origin.port)/")) },
                requireHTTPS: false, allowAddresses: network)
            let client = GuardedClient(
                policy: policy, resolver: Names(), eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: log.logger)
            let clock = ManualClock()
            let directory = try directory ?? TemporaryDirectory()
            let store = try PageStore(
                directory: "\(directory.path)/pages", maxBytes: configuration.maxBytes, maxPages: maxPages, logger: log.logger)
            let tokens = UpstreamTokens(client: client, clock: clock, logger: log.logger)
            let upstream = UpstreamClient(
                client: client, tokens: tokens, metrics: OriginMetrics(factory: NOOPMetricsHandler.instance, clock: clock))
            let service = PageService(
                upstream: upstream, store: store, configuration: configuration, clock: clock,
                metrics: PageMetrics(factory: NOOPMetricsHandler.instance), logger: log.logger)
            let named = NamedOrigin(name: "index", url: try ArtifactURL(origin.url("/")))
            do {
                try await body(
                    PageScene(
                        origin: origin, clock: clock, log: log, directory: directory, store: store, service: service,
                        tokens: tokens, upstream: upstream, named: named))
                store.close()
                await client.shutdown()
            } catch {
                store.close()
                await client.shutdown()
                throw error
            }
        }
    }

    func request(
        _ path: String, kind: OriginRule.Kind = .revalidated, life: Duration = .seconds(60),
        _ change: (inout PageRequest) -> Void = { _ in }
    ) throws -> PageRequest {
        var request = PageRequest(
            try ArtifactURL(origin.url(path)), origin: named, rule: OriginRule(.everything, kind, life: life),
            links: try TestLinks([(url: origin.url("/"), path: "index/")]), deadline: clock.instant + .seconds(30))
        change(&request)
        return request
    }

    func page(
        _ path: String, kind: OriginRule.Kind = .revalidated, life: Duration = .seconds(60),
        _ change: (inout PageRequest) -> Void = { _ in }
    ) async throws -> PageAnswer {
        try await service.page(try request(path, kind: kind, life: life, change))
    }

    /// Why there is no page; `nil` if there is one.
    func failure(_ path: String, kind: OriginRule.Kind = .revalidated, _ change: (inout PageRequest) -> Void = { _ in }) async throws
        -> PageError.Code?
    {
        do {
            _ = try await page(path, kind: kind, change)
            return nil
        } catch let error as PageError {
            return error.code
        }
    }
}

extension PageAnswer {
    var text: String {
        get async throws {
            var bytes: [UInt8] = []
            for try await chunk in body { bytes.append(contentsOf: chunk.readableBytesView) }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    func field(_ name: String) -> String? { fields.first { $0.name.canonicalName == name.lowercased() }?.value }
}
