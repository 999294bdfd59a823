import StorageCloud

/// A profile with a `role_arn`: the role is assumed with the credentials of another profile or source.
struct RoleSource: CredentialsSource {
    let settings: SharedConfiguration.Settings
    let tokenService: SecurityTokenService
    /// The sources that `credential_source` may name.
    let places: [String: any CredentialsSource<S3Credentials>]

    let name = "role of the profile"

    func look() async throws -> CredentialsFinding<S3Credentials> {
        let shared = try SharedConfiguration(settings)
        guard let values = try shared.values() else { return .absent(shared.absence(of: shared.profile)) }
        guard Self.isRole(values) else { return .absent("profile \(shared.profile) has no role_arn") }
        return .found(try await assume(shared.profile, values, shared, visited: [shared.profile]))
    }

    /// A role with a token file is left to ``WebIdentitySource``.
    private static func isRole(_ values: [String: String]) -> Bool {
        values.value("role_arn") != nil && values.value("web_identity_token_file") == nil
    }

    private func assume(
        _ profile: String, _ values: [String: String], _ shared: SharedConfiguration, visited: [String]
    ) async throws -> S3Credentials {
        func invalid(_ message: String) -> CredentialsError { CredentialsError(.invalid, "profile \(profile): \(message)") }

        if values.value("mfa_serial") != nil {
            throw CredentialsError(
                .unsupported,
                "profile \(profile) asks a person for a code (mfa_serial), which a service cannot do; use a role that needs none"
            )
        }
        let source: S3Credentials
        switch (values.value("source_profile"), values.value("credential_source")) {
        case (.some, .some): throw invalid("it has both source_profile and credential_source; remove one")
        case (nil, nil): throw invalid("it has a role_arn and neither source_profile nor credential_source; add the one that is intended")
        case (nil, let place?): source = try await credentials(in: place, of: profile)
        case (let other?, nil):
            guard let otherValues = shared.values(of: other) else {
                throw invalid("its source_profile \(other) does not exist: \(shared.absence(of: other))")
            }
            let hasKeys = otherValues.value("aws_access_key_id") != nil || otherValues.value("aws_secret_access_key") != nil
            // A profile may name itself, to have the keys and the role in one section.
            if visited.contains(other), other != profile || !hasKeys {
                throw invalid("its source_profile leads back to it: \((visited + [other]).joined(separator: " -> "))")
            }
            if hasKeys || !Self.isRole(otherValues) {
                source = try await own(of: other, otherValues, shared)
            } else {
                source = try await assume(other, otherValues, shared, visited: visited + [other])
            }
        }
        var seconds: Int?
        if let text = values.value("duration_seconds") {
            guard let number = Int(text), (900...43_200).contains(number) else {
                throw invalid("its duration_seconds is not a number from 900 to 43200")
            }
            seconds = number
        }
        let role = SecurityTokenService.Role(
            arn: values["role_arn"] ?? "", sessionName: values.value("role_session_name"), externalID: values.value("external_id"),
            seconds: seconds)
        return try await CredentialsError.prefixing("role of profile \(profile)") {
            try await tokenService.assume(role, with: source, region: values.value("region"))
        }
    }

    private func credentials(in place: String, of profile: String) async throws -> S3Credentials {
        guard let source = places[place] else {
            throw CredentialsError(
                .invalid, "profile \(profile): its credential_source is not one of \(places.keys.sorted().joined(separator: ", "))")
        }
        switch try await source.look() {
        case .found(let credentials): return credentials
        case .absent(let reason):
            throw CredentialsError(.invalid, "profile \(profile): its credential_source \(place) has no credentials: \(reason)")
        }
    }

    /// The profile's own credentials, apart from such a role.
    private func own(of profile: String, _ values: [String: String], _ shared: SharedConfiguration) async throws -> S3Credentials {
        let identity = WebIdentitySource(settings: settings, tokenService: tokenService)
        if case .found(let found) = try await identity.look(profile, values, environment: [:]) { return found }
        switch try await ProfileSource(settings: settings).look(profile, values, shared) {
        case .found(let found): return found
        case .absent(let reason): throw CredentialsError(.invalid, "the source_profile \(profile) has no credentials: \(reason)")
        }
    }
}
