-- The preview grows while a render goes on: ready counts the leading segments
-- whose cells are there, grown those that the preview has. Ready is -1 while a
-- sound is to be made, and grown until the sound is mastered.

ALTER TABLE renders ADD COLUMN ready BIGINT NOT NULL DEFAULT -1;
ALTER TABLE renders ADD COLUMN grown BIGINT NOT NULL DEFAULT -1;
ALTER TABLE renders ADD COLUMN grow_until BIGINT NOT NULL DEFAULT 0; -- whoever lets it grow has until then, or it rests until then
CREATE INDEX renders_growing ON renders (grow_until) WHERE ready > grown AND state IN ('rendering', 'stacking');
