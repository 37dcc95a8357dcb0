"""ET:Legacy game servers as a source: stats files over SFTP (`sftp`), who is playing over UDP (`server_query`)."""

import sys

# paramiko asks for `invoke` only to obey commands in an SSH configuration, which nobody reads here, and does
# without it where it is missing. With it come unittest and YAML: 2 MB.
sys.modules.setdefault("invoke", None)  # type: ignore[arg-type]
