"""Writing a store that was made in memory to its folder."""

from __future__ import annotations

from core.lake.store import DATABASE, Store


def save_store(store: Store) -> None:
    """Write the tables of a store in memory beside its files, where `open_store` finds them.

    Building in memory spares a wait for the disk per entry; rows keep their order.
    """
    store.folder.mkdir(parents=True, exist_ok=True)
    # ATTACH takes no parameters; the path is ours, not a user's text, and is quoted all the same.
    path = str(store.folder / DATABASE).replace("'", "''")
    cursor = store.cursor()
    cursor.execute(f"ATTACH '{path}' AS saved")
    cursor.execute("COPY FROM DATABASE memory TO saved")
    cursor.execute("DETACH saved")
    cursor.close()
