/// `GET /v1/redirect/…`: the body of a redirect. Its shape is the original's.
package enum RedirectCall {
    package struct Answer: Codable, Sendable, Equatable {
        /// ``present`` if the location is a replica; `nil` if it is the origin or the mirror itself.
        package var status: String?
        /// Why the location is not a replica; `nil` if it is one.
        package var msg: String?
        /// The same as the field `Location`.
        package var url: String

        package init(status: String?, msg: String?, url: String) {
            self.status = status
            self.msg = msg
            self.url = url
        }

        package static let present = "present"
    }
}
