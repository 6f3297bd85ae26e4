"""What the server tells its pages: the names of environment variables, and what both must agree on."""

HOST = "127.0.0.1"
LANGUAGE_VARIABLE = "GRIDGEO_APP_LANG"
PLAN_VARIABLE = "GRIDGEO_APP_PLAN"
SIGN_IN_VARIABLE = "GRIDGEO_APP_SIGN_IN"
"""Set to the office's sign-in file while there is one; see `app.state.sign_in`."""

HOSTS_VARIABLE = "GRIDGEO_APP_HOSTS"
UPLOAD_MB = 200
"""The largest file that may be uploaded; larger ones are opened by their path on this computer."""
