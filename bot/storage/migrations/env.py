"""What Alembic runs for every command: the migrations, on the connection and in the transaction it was given."""

from alembic import context

from bot.storage.tables import metadata


def run() -> None:
    """Run the migrations that the command asks for."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        render_as_batch=True,  # SQLite changes a table by rebuilding it
    )
    with context.begin_transaction():
        context.run_migrations()


if __name__ == "env_py":  # as Alembic loads it; to import it has no effect
    run()
