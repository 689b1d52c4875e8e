-- What every render node said of itself last.
CREATE TABLE nodes (
    name  TEXT   NOT NULL PRIMARY KEY,
    about TEXT   NOT NULL,
    seen  BIGINT NOT NULL
);
