"""What a request may do."""


class Grant:
    """What a request may do: `allows` says so of an operation, which is a name of ROLES."""

    def __init__(self, kind, allows, application=None, overrides=None):
        self.kind = kind  # "key", "sas", "bearer" or "anonymous"
        self.allows = allows
        self.application = application
        self.overrides = overrides or {}  # headers of the answer, which a SAS may set

    def require(self, operation, container=None, blob=None):
        self.allows(operation, container, blob)
