"""ET:Legacy game servers as a source: stats files over SFTP (`sftp`), who is playing over UDP (`server_query`)."""
