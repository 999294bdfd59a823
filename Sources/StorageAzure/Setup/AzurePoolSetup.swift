package import Logging
package import MirrorCore
package import MirrorNet
package import MirrorStorage
import NIOCore
import NIOHTTP1
import StorageCloud

/// Sets up a pool's container: looks at it, makes a plan and applies it. Checks it, too.
package struct AzurePoolSetup: StorageSetup {
    let configuration: AzureConfiguration
    let target: AzurePoolTarget
    let client: AzureClient
    /// Where credentials come from, for users.
    let credentialsSource: String
    let http: ServiceClient
    let clock: any MirrorClock
    let logger: Logger
    let retries: StepRetry

    package init(
        configuration: AzureConfiguration, retention: Duration, credentialsSource: String, http: ServiceClient,
        clock: any MirrorClock = SystemClock(), logger: Logger
    ) {
        self.configuration = configuration
        target = AzurePoolTarget(configuration, retention: retention)
        client = AzureClient(
            container: configuration.container, endpoint: configuration.endpoint, credentials: configuration.credentials,
            delegation: configuration.delegation, http: http, clock: clock, logger: logger)
        self.credentialsSource = credentialsSource
        self.http = http
        self.clock = clock
        self.logger = logger
        retries = StepRetry(policy: .init(maxAttempts: 4), clock: clock)
    }

    package func plan() async throws -> SetupPlan {
        let plan = AzurePoolPlan(target, try await state())
        return plan.setup { report in
            try await plan.lines.apply(report: report, perform: { try await perform($0) })
        }
    }

    package func check(report: (SetupLine) -> Void) async throws -> Bool {
        try await AzurePoolCheck(setup: self).run(report: report)
    }

    // MARK: Looking

    func state() async throws -> AzureContainerState {
        let call = AzureCall("headContainer", .HEAD, .bucket, query: [("restype", "container")])
        let answer = try await ask(call)
        guard let failure = answer.failure else {
            let access = AzureContainerState.PublicAccess(answer.headers.first(name: "x-ms-blob-public-access"))
            return AzureContainerState(exists: .value(true), access: access)
        }
        if failure.code == "ContainerNotFound" || failure.status == 404 { return AzureContainerState(exists: .value(false)) }
        if failure.isUnsupported { return AzureContainerState(exists: .unsupported) }
        return AzureContainerState(exists: .unknown(client.error(failure, call).message))
    }

    /// The service's answer, after retries for throttling and temporary errors.
    func ask(_ call: AzureCall) async throws -> AzureAnswer {
        // "It already exists" is an answer.
        try await retries.answer(of: client, to: call, isAnswer: { $0.code == "ContainerAlreadyExists" })
    }

    // MARK: Applying

    /// - Returns: Why it could not be done, in words that say what to do.
    private func perform(_ step: AzurePoolPlan.Step) async throws -> String? {
        do {
            switch step {
            case .createContainer(let access):
                var call = AzureCall("createContainer", .PUT, .bucket, query: [("restype", "container")])
                call.headers += Self.fields(access)
                guard let failure = try await ask(call).failure, failure.code != "ContainerAlreadyExists" else { return nil }
                return client.error(failure, call).message
            case .setAccess(let access):
                // The signature policies in the same document stay.
                let reading = AzureCall("getContainerACL", .GET, .bucket, query: Self.accessList)
                let answer = try await ask(reading)
                if let failure = answer.failure { return client.error(failure, reading).message }
                let policies = try await answer.body.collect(upTo: 256 << 10)
                var call = AzureCall("setContainerACL", .PUT, .bucket, query: Self.accessList, body: .bytes([policies]))
                call.headers = [("content-type", "application/xml")] + Self.fields(access)
                guard let failure = try await ask(call).failure else { return nil }
                return client.error(failure, call).message
            }
        } catch let error as StorageError {
            return error.message
        }
    }

    private static let accessList: [(name: String, value: String?)] = [("restype", "container"), ("comp", "acl")]

    private static func fields(_ access: AzureContainerState.PublicAccess) -> [(name: String, value: String)] {
        access == .nobody ? [] : [("x-ms-blob-public-access", access.rawValue)]
    }
}
