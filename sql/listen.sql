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

-- Ids of every type, as presence_join takes them; a document is listened to by the name of its channel.
SELECT presence_notify_channel(7), presence_notify_channel(7::smallint), presence_notify_channel(7::bigint), presence_notify_channel('7'::varchar), presence_notify_channel('7'::text),
       presence_notify_channel('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid), presence_notify_channel('document_' || 7);
SELECT presence_listen(7), presence_unlisten(7::bigint), presence_listen(), presence_unlisten();
PREPARE untyped AS SELECT presence_listen($1);
EXECUTE untyped('7');
DEALLOCATE untyped;
SELECT presence_unlisten('7');
SELECT octet_length(presence_notify_channel('document_' || repeat('d', 54))) = 63, presence_notify_channel('document_' || repeat('d', 55)) LIKE 'document_d%' AS in_words, octet_length(presence_notify_channel('document_' || repeat('d', 119))) <= 63;

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
