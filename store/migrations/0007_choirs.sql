-- A choir is there from its first song on. Songs name it by their column choir, without
-- a constraint, as all tables here refer to each other. A choir that comes to an older
-- coordinator while the new one starts is there from its next song on.

CREATE TABLE choirs (
    choir   TEXT   NOT NULL PRIMARY KEY,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL -- when its newest song came
);
INSERT INTO choirs (choir, created, updated)
    SELECT choir, MIN(created), MAX(created) FROM songs GROUP BY choir;
