// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

// Third-party products, named once.
let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let cryptoExtras = Target.Dependency.product(name: "CryptoExtras", package: "swift-crypto")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let hummingbirdTesting = Target.Dependency.product(name: "HummingbirdTesting", package: "hummingbird")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "CoreMetrics", package: "swift-metrics")
let mustache = Target.Dependency.product(name: "Mustache", package: "swift-mustache")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let nioHTTPTypesHTTP1 = Target.Dependency.product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras")
let heap = Target.Dependency.product(name: "HeapModule", package: "swift-collections")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let serviceLifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let sqlite = Target.Dependency.product(name: "GRDBSQLite", package: "GRDB.swift")
let tracing = Target.Dependency.product(name: "Tracing", package: "swift-distributed-tracing")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

/// Products that other packages bring into the executable. No module of ours imports them; a package that no target names cannot have an exact version.
let pinned: [Target.Dependency] = [
    .product(name: "Algorithms", package: "swift-algorithms"),
    .product(name: "AsyncAlgorithms", package: "swift-async-algorithms"),
    .product(name: "Atomics", package: "swift-atomics"),
    .product(name: "Configuration", package: "swift-configuration"),
    .product(name: "NIOHTTP2", package: "swift-nio-http2"),
    .product(name: "RealModule", package: "swift-numerics"),
    .product(name: "ServiceContextModule", package: "swift-service-context"),
    .product(name: "SwiftASN1", package: "swift-asn1"),
    .product(name: "SystemPackage", package: "swift-system"),
]

/// A module of ours. The order of the list below is the order of the layers: a module names only those above it.
func module(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

let package = Package(
    name: "cloud-mirror",
    platforms: [.macOS(.v15)],
    products: [
        // What a storage or state backend is written with. The documentation of each library can link to those above it.
        .library(name: "MirrorCore", targets: ["MirrorCore"]),
        .library(name: "MirrorNet", targets: ["MirrorNet"]),
        .library(name: "MirrorSettings", targets: ["MirrorSettings"]),
        .library(name: "MirrorStorage", targets: ["MirrorStorage"]),
        .library(name: "MirrorState", targets: ["MirrorState"]),
        .library(name: "MirrorTesting", targets: ["MirrorTesting"]),
        // A mirror in an executable of one's own, with storage of one's own.
        .library(name: "CloudMirror", targets: ["CloudMirror"]),
        .executable(name: "cloud-mirror", targets: ["cloud-mirror"]),
    ],
    // The versions that are built and tested: Package.resolved is not kept, because its commits are those of whatever mirror resolved it.
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", exact: "1.7.3"),
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", exact: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", exact: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1", traits: []),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", exact: "2.1.1"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0", traits: []),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
        // What those above depend on, as far as it is in the executable: see `pinned`.
        .package(url: "https://github.com/apple/swift-algorithms.git", exact: "1.2.1"),
        .package(url: "https://github.com/apple/swift-asn1.git", exact: "1.7.4"),
        .package(url: "https://github.com/apple/swift-async-algorithms.git", exact: "1.1.4"),
        .package(url: "https://github.com/apple/swift-atomics.git", exact: "1.3.0"),
        .package(url: "https://github.com/apple/swift-collections.git", exact: "1.6.0"),
        .package(url: "https://github.com/apple/swift-configuration.git", exact: "1.4.0", traits: []),
        .package(url: "https://github.com/apple/swift-nio-http2.git", exact: "1.46.0"),
        .package(url: "https://github.com/apple/swift-numerics.git", exact: "1.1.1"),
        .package(url: "https://github.com/apple/swift-service-context.git", exact: "1.5.1"),
        .package(url: "https://github.com/apple/swift-system.git", exact: "1.8.1"),
    ],
    targets: [
        // Checks by instructions that Swift has no words for; for the module below it.
        .target(name: "CChecksums"),
        // The C library of the platform, under one name.
        module("CLibrary", []),
        // Large files that are compiled in; for the module below it.
        .target(name: "CResources", exclude: ["cloud-regions.bin", "openapi.yaml", "prices.json"]),
        module("MirrorCore", ["CLibrary", "CChecksums", "CResources", crypto, deque, heap]),
        // What the C library has for C alone; for the module below it.
        .target(name: "CProcess"),
        module("MirrorSystem", ["CProcess", "CLibrary", "MirrorCore"]),
        // Which region of which cloud an address is in, from what the clouds publish.
        module("CloudRegions", ["CLibrary", "MirrorCore"]),
        // The system's zlib, for logs that gzip has compressed.
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
        // How long copies are worth keeping, and what they save.
        module("Retention", ["CLibrary", "MirrorCore"]),
        module("MirrorNet", ["MirrorSystem", "MirrorCore", asyncHTTPClient, logging, metrics, nioCore, nioHTTP1, nioPosix, nioSSL]),
        module("MirrorSettings", ["MirrorSystem", "MirrorCore", logging]),
        // Spans of requests, copies and sweeps, and their way to a collector.
        module(
            "MirrorTracing",
            ["MirrorSettings", "MirrorNet", "MirrorCore", logging, metrics, nioCore, nioHTTP1, serviceLifecycle, tracing]),
        // What clients ask for below /o/: rules for origins with a name, and the pages that are revalidated.
        module(
            "NamedOrigins",
            [
                "MirrorSettings", "MirrorNet", "MirrorSystem", "CZlib", "MirrorCore", crypto, httpTypes, logging, metrics, nioCore,
                nioHTTP1,
                nioPosix,
            ]),
        module("MirrorStorage", ["MirrorSettings", "MirrorNet", "MirrorSystem", "MirrorCore", logging, metrics, nioCore]),
        module("StorageLocal", ["MirrorStorage", "MirrorSettings", "MirrorSystem", "MirrorCore", logging, nioCore, nioPosix]),
        module(
            "StorageCloud", ["MirrorStorage", "MirrorNet", "MirrorSystem", "CLibrary", "MirrorCore", crypto, logging, nioCore, nioHTTP1]),
        module(
            "StorageS3",
            ["StorageCloud", "MirrorStorage", "MirrorSettings", "MirrorNet", "MirrorCore", crypto, logging, nioCore, nioHTTP1]),
        module(
            "StorageGCS",
            [
                "StorageCloud", "MirrorStorage", "MirrorSettings", "MirrorNet", "MirrorCore", crypto, cryptoExtras, logging, nioCore,
                nioHTTP1,
            ]),
        module(
            "StorageAzure",
            [
                "StorageCloud", "MirrorStorage", "MirrorSettings", "MirrorNet", "MirrorCore", crypto, cryptoExtras, logging, nioCore,
                nioHTTP1,
            ]),
        module("MirrorState", ["Retention", "MirrorSystem", "MirrorCore", deque, logging]),
        module("StateSQLite", ["MirrorState", "MirrorSystem", "MirrorCore", deque, grdb, sqlite, logging]),
        module("RedisClient", ["CLibrary", crypto, logging, nioCore, nioPosix, nioSSL]),
        module(
            "StateRedis", ["RedisClient", "MirrorState", "MirrorCore", deque, logging, nioCore, nioSSL],
            resources: [.embedInCode("Scripts")]),
        module(
            "MirrorEngine",
            [
                "NamedOrigins", "MirrorTracing", "MirrorStorage", "MirrorState", "MirrorSettings", "MirrorNet", "Retention", "CloudRegions",
                "MirrorCore", crypto, logging, metrics, nioCore, serviceLifecycle,
            ]),
        // What people see: templates, style, script.
        module("MirrorViews", ["MirrorCore", crypto, mustache], resources: [.embedInCode("Templates"), .embedInCode("Assets")]),
        module(
            "MirrorServer",
            [
                "MirrorViews", "MirrorEngine", "NamedOrigins", "MirrorTracing", "MirrorStorage", "MirrorState", "MirrorSettings",
                "MirrorNet",
                "CloudRegions", "MirrorSystem", "CLibrary", "MirrorCore", crypto, httpTypes, hummingbird, hummingbirdCore, logging, metrics,
                nioCore, nioHTTP1,
                nioHTTPTypesHTTP1,
                nioPosix, nioSSL, nioTLS,
                serviceLifecycle,
            ]),
        module(
            "MirrorNode",
            [
                "MirrorServer", "MirrorEngine", "NamedOrigins", "MirrorTracing", "StorageLocal", "StateSQLite", "StateRedis",
                "RedisClient", "MirrorStorage", "MirrorState", "MirrorSettings", "MirrorNet", "Retention", "CloudRegions", "MirrorSystem",
                "MirrorCore",
                logging, metrics, nioCore, nioPosix, nioSSL, serviceLifecycle, unixSignals, yams,
            ]),
        module(
            "CloudMirror",
            [
                "MirrorNode", "NamedOrigins", "Retention", "CZlib", "StorageLocal", "StorageS3", "StorageGCS", "StorageAzure",
                "MirrorStorage",
                "MirrorSettings",
                "MirrorNet", "CloudRegions", "MirrorSystem", "MirrorCore", argumentParser, asyncHTTPClient, crypto, logging, nioCore,
                nioHTTP1, nioPosix,
            ]),
        // Replaces the data of ICU, of which nothing is used here, in the executable.
        .target(name: "CUnicodeData"),
        .executableTarget(name: "cloud-mirror", dependencies: ["CloudMirror", "CUnicodeData"] + pinned, swiftSettings: settings),
        module(
            "MirrorTesting",
            ["MirrorStorage", "MirrorState", "Retention", "MirrorSystem", "MirrorCore", crypto, logging, nioCore, nioPosix]),
        // No products: only Benchmarks/run.sh builds and runs them.
        .executableTarget(
            name: "StateBenchmark",
            dependencies: ["StateRedis", "RedisClient", "StateSQLite", "MirrorState", "MirrorCore", logging, nioCore, nioPosix],
            path: "Benchmarks/StateBenchmark", swiftSettings: settings),
        .executableTarget(
            name: "RegionBenchmark", dependencies: ["CloudRegions", "MirrorCore"], path: "Benchmarks/RegionBenchmark",
            swiftSettings: settings),
        .executableTarget(
            name: "LinkBenchmark", dependencies: ["NamedOrigins", "MirrorCore"], path: "Benchmarks/LinkBenchmark",
            swiftSettings: settings),

        // What several of the targets below share: servers, other programs and directories of a test's own, a state store that does what a test
        // wants, and what was logged.
        .target(
            name: "TestServers",
            dependencies: ["MirrorState", "MirrorCore", asyncHTTPClient, crypto, logging, nioCore, nioHTTP1, nioPosix],
            path: "Tests/TestServers", swiftSettings: settings),
        tests("MirrorCoreTests", ["MirrorCore"]),
        tests("MirrorSystemTests", ["TestServers", "MirrorSystem", "CLibrary"]),
        tests("CloudRegionsTests", ["CloudRegions", "MirrorCore"]),
        tests("RetentionTests", ["Retention", "MirrorCore"], resources: [.copy("Fixtures")]),
        tests(
            "MirrorNetTests",
            [
                "TestServers", "MirrorNet", "MirrorTesting", "MirrorCore", asyncHTTPClient, logging, nioCore, nioEmbedded, nioHTTP1,
                nioPosix,
            ]),
        tests(
            "MirrorTracingTests",
            [
                "TestServers", "MirrorTracing", "MirrorSettings", "MirrorNet", "MirrorTesting", "MirrorCore", logging, metrics, nioPosix,
                serviceLifecycle, tracing,
            ], resources: [.copy("Vectors")]),
        tests(
            "NamedOriginsTests",
            [
                "TestServers", "NamedOrigins", "MirrorSettings", "MirrorNet", "MirrorTesting", "MirrorSystem", "MirrorCore", httpTypes,
                logging, metrics, nioCore, nioHTTP1, nioPosix,
            ]),
        tests(
            "StorageConformanceTests",
            [
                "TestServers", "StorageLocal", "StorageS3", "StorageCloud", "MirrorStorage", "MirrorNet", "MirrorTesting", "MirrorSystem",
                "MirrorCore", logging, metrics, nioCore, nioPosix,
            ]),
        tests(
            "CloudConformanceTests",
            [
                "TestServers", "StorageGCS", "StorageAzure", "StorageCloud", "MirrorStorage", "MirrorSettings", "MirrorNet",
                "MirrorTesting", "MirrorCore", crypto, logging, nioCore, nioPosix,
            ]),
        // By themselves: they wait for what does not answer, on a machine that is not busy with anything else.
        tests(
            "CloudFaultTests",
            [
                "TestServers", "StorageGCS", "StorageAzure", "StorageCloud", "MirrorStorage", "MirrorSettings", "MirrorNet",
                "MirrorTesting", "MirrorCore", crypto, logging, nioCore, nioHTTP1, nioPosix,
            ]),
        tests(
            "StorageCloudTests",
            [
                "TestServers", "StorageCloud", "MirrorStorage", "MirrorNet", "MirrorTesting", "MirrorCore", logging, nioCore, nioHTTP1,
            ]),
        tests(
            "StorageS3Tests",
            [
                "TestServers", "StorageS3", "StorageCloud", "MirrorStorage", "MirrorNet", "MirrorTesting", "MirrorCore", crypto, logging,
                nioCore, nioHTTP1, nioPosix,
            ], resources: [.copy("Vectors")]),
        tests(
            "StorageGCSTests",
            [
                "TestServers", "StorageGCS", "StorageCloud", "MirrorStorage", "MirrorSettings", "MirrorNet", "MirrorTesting", "MirrorCore",
                crypto, cryptoExtras, logging, nioCore, nioHTTP1, nioPosix,
            ], resources: [.copy("Vectors")]),
        tests(
            "StorageAzureTests",
            [
                "TestServers", "StorageAzure", "StorageCloud", "MirrorStorage", "MirrorSettings", "MirrorNet", "MirrorTesting",
                "MirrorCore", crypto, cryptoExtras, logging, nioCore, nioHTTP1, nioPosix,
            ], resources: [.copy("Vectors")]),
        tests("RedisClientTests", ["TestServers", "RedisClient", logging, nioCore, nioEmbedded, nioPosix, nioSSL]),
        tests(
            "StateConformanceTests",
            [
                "TestServers", "StateSQLite", "StateRedis", "RedisClient", "MirrorState", "MirrorTesting", "MirrorCore", grdb, logging,
                nioCore, nioPosix,
            ]),
        tests(
            "MirrorEngineTests",
            [
                "TestServers", "MirrorEngine", "NamedOrigins", "StorageLocal", "StateSQLite", "StateRedis", "RedisClient", "MirrorStorage",
                "MirrorState", "MirrorNet", "Retention", "CloudRegions", "MirrorTesting", "MirrorCore", crypto, logging, metrics, nioCore,
                nioHTTP1,
                nioPosix,
                serviceLifecycle,
            ]),
        tests(
            "MirrorServerTests",
            [
                "MirrorServer", "MirrorViews", "MirrorEngine", "NamedOrigins", "MirrorStorage", "MirrorState", "MirrorSettings",
                "MirrorNet", "Retention",
                "CloudRegions", "MirrorTesting", "MirrorCore", "TestServers", hummingbird, httpTypes, logging, metrics, nioCore,
                nioEmbedded, nioHTTP1, nioPosix, nioSSL, nioTLS, serviceLifecycle,
                yams,
            ]),
        tests(
            "CloudMirrorTests",
            [
                "TestServers", "CloudMirror", "MirrorNode", "MirrorServer", "MirrorEngine", "NamedOrigins", "Retention", "StorageLocal",
                "StorageS3", "StateSQLite", "MirrorState",
                "StorageGCS", "StorageAzure", "MirrorStorage", "MirrorSettings", "MirrorNet", "CloudRegions", "MirrorSystem", "MirrorCore",
                argumentParser, logging,
                nioCore, nioPosix, nioSSL, serviceLifecycle,
            ]),
        tests(
            "FuzzTests",
            [
                "TestServers", "CloudMirror", "MirrorNode", "MirrorSettings", "MirrorServer", "MirrorEngine", "NamedOrigins", "Retention",
                "StorageS3",
                "StorageGCS", "StorageAzure", "StorageCloud", "StateSQLite", "StateRedis", "RedisClient",
                "MirrorState", "MirrorStorage", "MirrorNet", "CloudRegions", "MirrorCore", asyncHTTPClient, grdb, httpTypes, logging,
                nioCore, nioEmbedded,
                nioHTTP1, nioPosix, nioSSL,
            ], resources: [.copy("Corpus")]),
        tests(
            "EndToEndTests",
            [
                "TestServers", "StorageS3", "StorageCloud", "MirrorStorage", "MirrorNet", "MirrorCore", asyncHTTPClient,
                crypto, logging,
                nioCore, nioHTTP1, nioPosix, nioSSL,
            ]),
    ],
    swiftLanguageModes: [.v6]
)
