-- What presence_set_status_many writes, to be written by plain SQL: tables with the columns, checks and indexes of presence's own, as
-- much room in their pages, and the same users. The statement is `rows-by-hand` in clients/batches.cpp.
CREATE SCHEMA by_hand;
CREATE TABLE by_hand.user_presence (LIKE presence.user_presence INCLUDING ALL) WITH (fillfactor = 50);
INSERT INTO by_hand.user_presence SELECT * FROM presence.user_presence;
CREATE TABLE by_hand.presence_history (LIKE presence.presence_history INCLUDING ALL);
CREATE INDEX ON by_hand.presence_history (user_id, changed_at);
ANALYZE by_hand.user_presence;
