/// The page that asks for an admin token.
package struct LoginView: View {
    let action: String
    let problem: String?

    /// - Parameter action: Where the form leads, relative to the page.
    /// - Parameter problem: Why the last attempt failed.
    package init(action: String, problem: String?) {
        self.action = action
        self.problem = problem
    }

    package var html: String { Templates.render(.login, self) }
}
