--
-- presence_listen, presence_unlisten and presence_notify_channel: LISTEN with the right name.
-- What is heard there is in test/tap.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;

-- A short name is the channel itself.
SELECT presence_notify_channel('global_presence'), presence_notify_channel('room 7'), presence_notify_channel('Größe "x"'), presence_notify_channel(repeat('c', 63)) = repeat('c', 63);
SELECT presence_listen('global_presence');
SELECT pg_listening_channels();
SELECT presence_listen('global_presence');
SELECT presence_listen('Room "7"');
SELECT count(*) FROM pg_listening_channels();
SELECT presence_unlisten('Room "7"');
SELECT pg_listening_channels();
SELECT presence_unlisten('Room "7"');
SELECT presence_unlisten('global_presence');
SELECT count(*) FROM pg_listening_channels();

-- A long one is hashed: always the same, never the same for two, and short enough for LISTEN.
SELECT octet_length(presence_notify_channel(repeat('c', 64))) <= 63,
       presence_notify_channel(repeat('c', 64)) = presence_notify_channel(repeat('c', 64)),
       presence_notify_channel(repeat('c', 64)) <> presence_notify_channel(repeat('c', 65));
SELECT count(DISTINCT presence_notify_channel(repeat('c', 100) || i)), max(octet_length(presence_notify_channel(repeat('ü', 50) || i))) <= 63 FROM generate_series(1, 10000) AS i;
SELECT presence_listen(repeat('ü', 64)) = presence_notify_channel(repeat('ü', 64));
SELECT pg_listening_channels() = presence_notify_channel(repeat('ü', 64));
SELECT presence_unlisten(repeat('ü', 64)) = presence_notify_channel(repeat('ü', 64));
SELECT count(*) FROM pg_listening_channels();

-- LISTEN belongs to its transaction.
BEGIN;
SELECT presence_listen('global_presence');
ROLLBACK;
SELECT count(*) FROM pg_listening_channels();

SELECT test.error_of($$SELECT presence_listen(NULL)$$);
SELECT test.error_of($$SELECT presence_listen('')$$);
SELECT test.error_of($$SELECT presence_listen(repeat('c', 129))$$);
SELECT test.error_of($$SELECT presence_unlisten(NULL)$$);
SELECT test.error_of($$SELECT presence_unlisten('')$$);
SELECT test.error_of($$SELECT presence_unlisten(repeat('c', 129))$$);
SELECT test.error_of($$SELECT presence_notify_channel(NULL)$$);
SELECT test.error_of($$SELECT presence_notify_channel('')$$);
SELECT test.error_of($$SELECT presence_notify_channel(repeat('ü', 64) || 'c')$$);
