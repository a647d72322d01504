"""The server that the ledger's tests run on."""

import sqlalchemy

from tests.postgres import new_database


def test_a_test_gets_a_postgresql_database_of_its_own(postgres_url: str) -> None:
    first, second = (sqlalchemy.create_engine(new_database(postgres_url)) for _ in range(2))
    with first.begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE only_here (id int)"))
    try:
        assert sqlalchemy.inspect(first).get_table_names() == ["only_here"]
        assert sqlalchemy.inspect(second).get_table_names() == []
    finally:
        first.dispose()
        second.dispose()
