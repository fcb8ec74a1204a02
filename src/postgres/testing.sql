
-- ---- the testing build alone -------------------------------------------------------------------

CREATE FUNCTION presence_test_advance(by interval)
    RETURNS timestamptz LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_test_advance(interval) IS
    'moves the clock of the whole cluster; returns the new time when the workers have applied, broadcast and persisted all that fell due';
REVOKE ALL ON FUNCTION presence_test_advance(interval) FROM PUBLIC;
