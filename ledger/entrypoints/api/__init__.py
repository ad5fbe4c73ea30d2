"""The HTTP API: doors that parse, call one service, and render; `application.build_app` puts all of them together."""
