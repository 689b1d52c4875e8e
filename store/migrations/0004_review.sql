-- Why a person should look at the offset of a part, '' for none.

ALTER TABLE parts ADD COLUMN review TEXT NOT NULL DEFAULT '';
