"""The only SQL: engine, tables, migrations, one module of statements per topic."""

from bot.storage.without_orm import leave_out_the_orm

leave_out_the_orm()  # before any module here imports SQLAlchemy's engine
