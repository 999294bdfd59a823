/// The page that finds replicas, purges them, and makes copies before they are needed.
package struct ReplicasView: View {
    /// One artifact in one pool.
    package struct Item: Sendable {
        package var artifact: String
        package var link: String
        package var pool: String
        package var state: String
        /// `good`, `bad` or empty.
        package var stateKind: String
        package var detail: String?
        package var digest: String?
        package var size: String
        package var stored: String
        package var lastUsed: String

        package init(
            artifact: String, link: String, pool: String, state: String, stateKind: String, detail: String?, digest: String?, size: String,
            stored: String, lastUsed: String
        ) {
            self.artifact = artifact
            self.link = link
            self.pool = pool
            self.state = state
            self.stateKind = stateKind
            self.detail = detail
            self.digest = digest
            self.size = size
            self.stored = stored
            self.lastUsed = lastUsed
        }
    }

    package var problem: String?
    package var resultsHeading = ""
    /// What a purge, a warm or a question for a pool has led to.
    package var results: [String] = [] { didSet { hasResults = !results.isEmpty } }
    package var url = ""
    package var address = ""
    package var listHeading = "Replicas"
    /// What is said in place of an empty list.
    package var nothing = ""
    package var replicas: [Item] = []
    /// The address of the next page.
    package var next: String?
    let pools: [HomeView.Choice]
    let states: [HomeView.Choice]
    let formKey: String
    let maxURLs: Int
    let allowed: String
    private var hasResults = false

    /// - Parameters:
    ///   - maxURLs: How many URLs can be copied at a time.
    ///   - allowed: What they may begin with.
    package init(pools: [HomeView.Choice], states: [HomeView.Choice], formKey: String, maxURLs: Int, allowed: String) {
        self.pools = pools
        self.states = states
        self.formKey = formKey
        self.maxURLs = maxURLs
        self.allowed = allowed
    }

    package var html: String { Templates.render(.replicas, self) }
}
