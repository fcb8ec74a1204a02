-- What presence writes, to be written by plain SQL: tables with the columns, checks and indexes of presence's own (not partitioned,
-- which is cheaper), as much room in their pages, and the same users. No autovacuum: it would run in the turns of presence. The
-- statements are `rows-by-hand` in clients/batches.cpp, and that of `activity` in suite/rows.py.
CREATE SCHEMA by_hand;
CREATE TABLE by_hand.user_presence (LIKE presence.user_presence INCLUDING ALL) WITH (fillfactor = 50, autovacuum_enabled = off);
INSERT INTO by_hand.user_presence SELECT * FROM presence.user_presence;
CREATE TABLE by_hand.presence_history (LIKE presence.presence_history INCLUDING ALL) WITH (autovacuum_enabled = off);
CREATE INDEX ON by_hand.presence_history (user_id, changed_at);
ANALYZE by_hand.user_presence;
CREATE TABLE by_hand.user_activities (LIKE presence.user_activities INCLUDING ALL) WITH (autovacuum_enabled = off);
CREATE INDEX ON by_hand.user_activities (user_id, "timestamp");
