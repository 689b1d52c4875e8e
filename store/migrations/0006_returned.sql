-- The delivery of a task that a node has handed back last, whose late news are nothing new.

ALTER TABLE tasks ADD COLUMN returned TEXT NOT NULL DEFAULT '';
