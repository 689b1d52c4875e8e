-- The preview grows while a render goes on: ready counts the leading segments
-- whose cells, and all sounds, are there; grown those that the preview has.

ALTER TABLE renders ADD COLUMN ready BIGINT NOT NULL DEFAULT 0;
ALTER TABLE renders ADD COLUMN grown BIGINT NOT NULL DEFAULT 0;
ALTER TABLE renders ADD COLUMN grow_until BIGINT NOT NULL DEFAULT 0; -- whoever lets it grow has until then, or it rests until then
CREATE INDEX renders_growing ON renders (grow_until) WHERE ready > grown AND state IN ('rendering', 'stacking');
