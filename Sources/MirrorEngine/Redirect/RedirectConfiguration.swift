/// How long requests wait and failures are remembered.
package struct RedirectConfiguration: Sendable {
    /// Who waits longer than this for a copy is sent to the origin.
    package var maxWait: Duration
    /// The most that a request may ask for with `?wait=`.
    package var waitLimit: Duration
    /// Requests that may wait at the same time; more are sent to the origin at once.
    package var maxWaiting: Int
    /// How long a redirect's location must work at least.
    package var locationLife: Duration

    /// How long signed locations work, where the signing credentials last as long.
    package var signedLife: Duration { locationLife * 2 }

    package init(
        maxWait: Duration = .seconds(28), waitLimit: Duration = .seconds(300), maxWaiting: Int = 10_000,
        locationLife: Duration = .seconds(300)
    ) {
        self.maxWait = maxWait
        self.waitLimit = waitLimit
        self.maxWaiting = maxWaiting
        self.locationLife = locationLife
    }
}
