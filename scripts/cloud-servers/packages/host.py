"""What all hosts of the world of packages have in common."""

from web.messages import Response

from .answers import missing


class Host:
    """One server with a name and a port of its own. Subclasses answer paths."""

    # The methods it takes; others are answered 405.
    methods = ("GET", "HEAD")

    def __init__(self, world):
        self.world = world

    def respond(self, request):
        if request.method not in self.methods:
            return Response(405, {"Allow": ", ".join(self.methods)})
        return self.get(request, request.segments()) or missing()

    def get(self, request, path):
        """The answer to a path in decoded segments; None for what is not there."""
        raise NotImplementedError

    def control(self, request, segments, wanted):
        """`POST /_control/urls` names the hosts. Hosts may know more."""
        return self.world.urls if segments == ["urls"] else None

    def failure(self, request, status, code):
        return Response(status, {"Content-Type": "text/plain; charset=utf-8"}, f"{code or 'failure'} on request".encode())

    def spoil(self, response):
        response.headers["ETag"] = '"something else"'
