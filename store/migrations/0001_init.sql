-- Portable between SQLite and PostgreSQL. {{serial}} is the only difference:
-- a 64-bit key that only grows. Times are nanoseconds since 1970 UTC, 0 for
-- never. Documents are JSON text, '' for none.

CREATE TABLE songs (
    choir       TEXT   NOT NULL,
    song        TEXT   NOT NULL,
    settings    TEXT   NOT NULL DEFAULT '',
    auto        BIGINT NOT NULL DEFAULT 1,
    revision    BIGINT NOT NULL DEFAULT 0, -- counts changes that could change the automatic definition
    planned     BIGINT NOT NULL DEFAULT 0, -- the revision the automatic definition was last made from
    due_at      BIGINT NOT NULL DEFAULT 0, -- not to be planned before
    aligned     TEXT   NOT NULL DEFAULT '', -- hash of what the last alignment was made from
    problem     TEXT   NOT NULL DEFAULT '', -- why there is nothing to render
    owner       TEXT   NOT NULL DEFAULT '',
    lease_until BIGINT NOT NULL DEFAULT 0,
    epoch       BIGINT NOT NULL DEFAULT 0, -- counts claims; an older claim's writes are refused
    created     BIGINT NOT NULL,
    updated     BIGINT NOT NULL,
    PRIMARY KEY (choir, song)
);
CREATE INDEX songs_due ON songs (due_at) WHERE revision > planned;
CREATE INDEX songs_updated ON songs (updated);

CREATE TABLE parts (
    id            TEXT   NOT NULL PRIMARY KEY, -- <choirid>:song:<songid>:part:<partid>
    choir         TEXT   NOT NULL,
    song          TEXT   NOT NULL,
    part          TEXT   NOT NULL,
    doc           TEXT   NOT NULL DEFAULT '', -- the part document
    raw_key       TEXT   NOT NULL DEFAULT '',
    raw_etag      TEXT   NOT NULL DEFAULT '',
    raw_size      BIGINT NOT NULL DEFAULT 0,
    state         TEXT   NOT NULL, -- new, ingesting, ready, failed
    task          TEXT   NOT NULL DEFAULT '', -- key of the ingest task of this recording
    result        TEXT   NOT NULL DEFAULT '', -- plan.IngestResult
    error         TEXT   NOT NULL DEFAULT '', -- why the recording was refused
    dropped       TEXT   NOT NULL DEFAULT '', -- why this recording is left out of renders
    aligned_etag  TEXT   NOT NULL DEFAULT '', -- the recording the offset was measured on
    offset_ns     BIGINT NOT NULL DEFAULT 0,
    confidence    DOUBLE PRECISION NOT NULL DEFAULT 0,
    drift_ppm     DOUBLE PRECISION NOT NULL DEFAULT 0,
    method        TEXT   NOT NULL DEFAULT '',
    needs_review  BIGINT NOT NULL DEFAULT 0,
    candidates    TEXT   NOT NULL DEFAULT '', -- the best offsets, when a person should choose
    created       BIGINT NOT NULL,
    updated       BIGINT NOT NULL
);
CREATE UNIQUE INDEX parts_song ON parts (choir, song, part);

CREATE TABLE renders (
    run         TEXT   NOT NULL PRIMARY KEY,
    choir       TEXT   NOT NULL,
    song        TEXT   NOT NULL,
    name        TEXT   NOT NULL, -- of the definition, "auto" for ours
    seq         BIGINT NOT NULL, -- counts the renders of a song
    def_key     TEXT   NOT NULL,
    def_etag    TEXT   NOT NULL,
    definition  TEXT   NOT NULL,
    state       TEXT   NOT NULL, -- queued, rendering, checking, stacking, finishing, done, failed, cancelled
    percent     DOUBLE PRECISION NOT NULL DEFAULT 0, -- of the finishing
    error       TEXT   NOT NULL DEFAULT '',
    warnings    TEXT   NOT NULL DEFAULT '', -- [plan.PartWarning]
    plan        TEXT   NOT NULL DEFAULT '',
    output      TEXT   NOT NULL DEFAULT '', -- facts of the final
    failures    BIGINT NOT NULL DEFAULT 0, -- of the coordinator's own steps since the last success
    not_before  BIGINT NOT NULL DEFAULT 0,
    owner       TEXT   NOT NULL DEFAULT '',
    lease_until BIGINT NOT NULL DEFAULT 0,
    epoch       BIGINT NOT NULL DEFAULT 0,
    created     BIGINT NOT NULL,
    updated     BIGINT NOT NULL,
    finished    BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX renders_song ON renders (choir, song, seq);
CREATE INDEX renders_work ON renders (state, not_before) WHERE state IN ('queued', 'checking', 'finishing');
CREATE INDEX renders_finished ON renders (finished) WHERE finished > 0;

CREATE TABLE tasks (
    choir      TEXT   NOT NULL,
    song       TEXT   NOT NULL,
    key        TEXT   NOT NULL, -- plan.Assignment.Key: what the work is, not which attempt
    kind       TEXT   NOT NULL,
    stripe     BIGINT NOT NULL DEFAULT 0,
    segment    BIGINT NOT NULL DEFAULT 0,
    part       TEXT   NOT NULL DEFAULT '', -- of an ingest, or the part to blame
    payload    TEXT   NOT NULL, -- plan.Assignment
    state      TEXT   NOT NULL, -- queued, running, done, failed, cancelled
    attempt    BIGINT NOT NULL, -- counts from 1, by our own book
    failures   BIGINT NOT NULL DEFAULT 0,
    losses     BIGINT NOT NULL DEFAULT 0, -- attempts whose node went silent
    percent    DOUBLE PRECISION NOT NULL DEFAULT 0,
    error      TEXT   NOT NULL DEFAULT '',
    result     TEXT   NOT NULL DEFAULT '',
    node       TEXT   NOT NULL DEFAULT '',
    sends      BIGINT NOT NULL DEFAULT 0, -- messages sent for this attempt
    sent_at    BIGINT NOT NULL DEFAULT 0,
    news_at    BIGINT NOT NULL DEFAULT 0, -- last report of a running attempt
    started    BIGINT NOT NULL DEFAULT 0,
    created    BIGINT NOT NULL,
    updated    BIGINT NOT NULL,
    PRIMARY KEY (choir, song, key)
);
CREATE INDEX tasks_running ON tasks (news_at) WHERE state = 'running';
CREATE INDEX tasks_sent ON tasks (sent_at) WHERE state = 'queued' AND sent_at > 0;

-- A task may serve several renders. stage 1 is the cells and the sound, 2 the stacking.
CREATE TABLE render_tasks (
    run   TEXT   NOT NULL,
    choir TEXT   NOT NULL,
    song  TEXT   NOT NULL,
    key   TEXT   NOT NULL,
    stage BIGINT NOT NULL,
    PRIMARY KEY (run, key)
);
CREATE INDEX render_tasks_task ON render_tasks (choir, song, key);

-- One row is one message still to be sent, written with the task it announces.
CREATE TABLE outbox (
    id          {{serial}},
    choir       TEXT   NOT NULL,
    song        TEXT   NOT NULL,
    key         TEXT   NOT NULL,
    not_before  BIGINT NOT NULL,
    lease_until BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX outbox_task ON outbox (choir, song, key);
CREATE INDEX outbox_due ON outbox (not_before);

-- Append only: every step of every song.
CREATE TABLE events (
    seq     {{serial}},
    at      BIGINT NOT NULL,
    choir   TEXT   NOT NULL,
    song    TEXT   NOT NULL,
    part    TEXT   NOT NULL DEFAULT '',
    run     TEXT   NOT NULL DEFAULT '',
    stage   TEXT   NOT NULL, -- upload, ingest, align, define, plan, picture, sound, stack, finish
    state   TEXT   NOT NULL, -- queued, running, done, failed, cancelled
    legacy  TEXT   NOT NULL DEFAULT '', -- new, converted, aligned, rendered, composited, done; '' when the old front-end knows no such step
    stripe  BIGINT NOT NULL DEFAULT 0,
    segment BIGINT NOT NULL DEFAULT 0,
    attempt BIGINT NOT NULL DEFAULT 0,
    text    TEXT   NOT NULL DEFAULT ''
);
CREATE INDEX events_song ON events (choir, song, seq);
CREATE INDEX events_legacy ON events (legacy, seq) WHERE legacy <> '';
