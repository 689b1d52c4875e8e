-- How many of a song's recordings are being ingested, so that the songs that can be
-- planned are found without looking at those that cannot.
ALTER TABLE songs ADD COLUMN reading BIGINT NOT NULL DEFAULT 0;
UPDATE songs SET reading = (SELECT COUNT(*) FROM parts p
    WHERE p.choir = songs.choir AND p.song = songs.song AND p.state = 'ingesting');
DROP INDEX songs_due;
CREATE INDEX songs_due ON songs (due_at) WHERE revision > planned AND reading = 0;
