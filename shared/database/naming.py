"""One naming convention, so that every constraint has a name that code and migrations can rely on."""

from sqlalchemy import MetaData

_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def metadata(name: str) -> MetaData:
    """The collection of one service's tables. `name` is the service's, kept in `info["service"]`."""
    return MetaData(naming_convention=_CONVENTION, info={"service": name})
