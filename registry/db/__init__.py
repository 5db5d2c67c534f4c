"""The database: tables, connection, migrations, backups."""
