/// The page that says why a request was refused.
package struct ProblemView: View {
    let heading: String
    let problem: String
    let back: String

    /// - Parameter back: A page to go on from, relative to this one.
    package init(heading: String, problem: String, back: String) {
        self.heading = heading
        self.problem = problem
        self.back = back
    }

    package var html: String { Templates.render(.problem, self) }
}
