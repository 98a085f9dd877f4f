"""Files to bring to a space, and to find behind a connection: data, an SQLite database, a model."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import joblib
import pandas as pd
from sklearn.linear_model import LogisticRegression

PATIENTS, CLINIC, MODEL, SCRIPT, NOTES = "patients.csv", "clinic.db", "risk.joblib", "nightly.py", "notes.joblib"


def fill_lake(folder: Path) -> Path:
    """Write the files; return the folder."""
    rows = "".join(f"{20 + number % 60},{number / 3:.2f},patient {number}\n" for number in range(400))
    (folder / PATIENTS).write_text(f"AGE,DOSE,NAME\n{rows}")
    (folder / SCRIPT).write_text("print('done')\n")
    (folder / NOTES).write_text("This is no model.")
    with closing(sqlite3.connect(folder / CLINIC)) as database, database:
        database.execute("CREATE TABLE visits (id INTEGER, ward TEXT)")
        database.executemany("INSERT INTO visits VALUES (?, ?)", [(id_, f"ward {id_ % 4}") for id_ in range(50)])
    people = pd.DataFrame({"AGE": [21, 33, 60, 70], "DOSE": [0.1, 0.2, 0.9, 0.8]})
    joblib.dump(LogisticRegression().fit(people, [0, 0, 1, 1]), folder / MODEL)
    return folder
