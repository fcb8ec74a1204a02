
-- ---- the testing build alone -------------------------------------------------------------------

CREATE FUNCTION presence_test_advance(by interval)
    RETURNS timestamptz LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_test_advance(interval) IS
    'moves the clock of the whole cluster; returns the new time when the workers have applied, broadcast and persisted all that fell due';
DO $$
DECLARE
    grantee text;
BEGIN
    FOR grantee IN
        SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END
        FROM pg_catalog.pg_proc p,
        pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
        WHERE p.oid = 'presence_test_advance(interval)'::regprocedure AND a.grantee <> p.proowner
    LOOP
        EXECUTE 'REVOKE ALL ON FUNCTION presence_test_advance(interval) FROM ' || grantee;
    END LOOP;
END $$;
