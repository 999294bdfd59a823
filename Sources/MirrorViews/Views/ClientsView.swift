package import MirrorCore

/// The page `/clients`.
package struct ClientsView: View {
    let about: String
    let origins: [ClientsCall.Origin]

    package init(_ answer: ClientsCall.Answer) {
        about = answer.origins.isEmpty ? ClientsText.none : ClientsText.about
        origins = answer.origins
    }

    package var html: String { Templates.render(.clients, self) }
}
