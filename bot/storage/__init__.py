"""The only SQL: engine, tables, migrations, one module of statements per topic."""
