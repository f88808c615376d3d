// SQL of schema changes (P4): each is executed and logged in one transaction, and each member's agent fetches the other's log.

/**
 * `spacecluster.change(name, statement)` is the schema-change job. A plain CREATE, ALTER, COMMENT or DROP of the
 * application's user that is the only statement of its message is taken for one; anything else is refused.
 */
export const CHANGES_SQL = String.raw`
CREATE TABLE IF NOT EXISTS spacecluster.change (
  position bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  name text PRIMARY KEY,
  statement text NOT NULL,
  search_path text NOT NULL,
  executed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Equal on both members once each has executed all that the other has. Their orders may differ.
CREATE OR REPLACE FUNCTION spacecluster.changes_hash() RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
RETURN (SELECT md5(coalesce(string_agg(md5(name) || md5(statement), '' ORDER BY name COLLATE "C"), '')) FROM spacecluster.change);

CREATE OR REPLACE FUNCTION spacecluster.log_change(name text, statement text, path text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  INSERT INTO spacecluster.change (name, statement, search_path) VALUES (name, statement, path);
END;

-- One change at a time, so that the log's order is the order of execution.
CREATE OR REPLACE FUNCTION spacecluster.lock_changes() RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT pg_advisory_xact_lock(hashtextextended('spacecluster.change', 0));
END;

CREATE OR REPLACE FUNCTION spacecluster.statement_of(change_name text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
RETURN (SELECT c.statement FROM spacecluster.change c WHERE c.name = change_name);

-- Runs as the caller and under the caller's search_path. True when executed now, false when it was before.
CREATE OR REPLACE FUNCTION spacecluster.change(name text, statement text) RETURNS boolean
LANGUAGE plpgsql AS $body$
#variable_conflict use_variable
DECLARE
  before text;
BEGIN
  IF current_user <> 'space' THEN
    PERFORM spacecluster.reject('spacecluster.change', 'schema changes are made by the application''s user', 'SET ROLE space');
  END IF;
  IF name IS NULL OR name = '' OR statement IS NULL THEN
    PERFORM spacecluster.reject('spacecluster.change', 'a change needs a name and a statement', 'name it once for all: devices/0001-alarms');
  END IF;
  PERFORM spacecluster.lock_changes();
  before := spacecluster.statement_of(name);
  IF before = statement THEN RETURN false; END IF;
  IF before IS NOT NULL THEN
    PERFORM spacecluster.reject('schema change ' || name, 'was made before with another statement', 'give a new change a new name');
  END IF;
  PERFORM pg_catalog.set_config('spacecluster.change', name, true);
  EXECUTE statement;
  PERFORM pg_catalog.set_config('spacecluster.change', '', true);
  PERFORM spacecluster.log_change(name, statement, pg_catalog.current_setting('search_path'));
  RETURN true;
END
$body$;

-- A change that was not made by the function: taken if it is one plain statement, so that it means the same on the peer.
CREATE OR REPLACE FUNCTION spacecluster.capture(statement text, path text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  IF coalesce(current_setting('spacecluster.change', true), '') <> '' THEN RETURN; END IF;
  IF session_user <> 'space' OR statement !~* '^\s*(CREATE|ALTER|COMMENT|DROP)\M' OR statement ~ ';\s*\S'
    OR statement ~* '\mCONCURRENTLY\M'
  THEN
    PERFORM spacecluster.reject('schema space', 'a change here must be one plain statement of the application''s user, sent by itself',
      'or SELECT spacecluster.change(''name'', ''statements''): it reaches both members');
  END IF;
  PERFORM spacecluster.lock_changes();
  PERFORM spacecluster.log_change('direct/' || uuidv7(), statement, path);
END
$body$;

CREATE OR REPLACE FUNCTION spacecluster.after_ddl(statement text, path text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  command record;
  touched boolean := false;
  tables oid[] := '{}';
BEGIN
  FOR command IN SELECT c.*, r.relkind FROM pg_event_trigger_ddl_commands() c
    LEFT JOIN pg_class r ON c.classid = 'pg_class'::regclass AND r.oid = c.objid WHERE c.schema_name = 'space'
  LOOP
    touched := true;
    IF command.relkind IN ('r', 'p') THEN
      tables := tables || ARRAY(SELECT relid::oid FROM pg_partition_tree(command.objid))
        || CASE WHEN command.relkind = 'r' THEN command.objid END;
    ELSIF command.relkind IN ('i', 'I') THEN
      tables := tables || (SELECT indrelid FROM pg_index WHERE indexrelid = command.objid);
    ELSIF command.relkind = 'S' THEN
      PERFORM spacecluster.separate(command.objid);
    ELSIF command.object_type = 'trigger' THEN
      tables := tables || (SELECT tgrelid FROM pg_trigger WHERE oid = command.objid);
    ELSIF command.relkind = 'f' THEN
      PERFORM spacecluster.reject(command.object_identity, 'a foreign table is not replicated', 'create it in another schema');
    END IF;
  END LOOP;
  IF NOT touched THEN RETURN; END IF;
  PERFORM spacecluster.attach(t) FROM (SELECT DISTINCT unnest(tables) AS t) u
  JOIN pg_class ON oid = t WHERE relkind IN ('r', 'p') ORDER BY relkind = 'r', t;
  PERFORM spacecluster.capture(statement, path);
END
$body$;

CREATE OR REPLACE FUNCTION spacecluster.after_drop(statement text, path text, tag text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  dropped record;
  touched boolean := false;
BEGIN
  FOR dropped IN SELECT * FROM pg_event_trigger_dropped_objects()
    WHERE schema_name = 'space' OR (object_type = 'schema' AND object_identity IN ('space', 'spacecluster'))
  LOOP
    touched := true;
    IF dropped.object_type IN ('table', 'schema', 'sequence', 'type') AND NOT dropped.is_temporary
      AND (dropped.original OR dropped.object_type = 'table')
    THEN
      PERFORM spacecluster.reject(dropped.object_identity, 'may not be dropped while rows of it can be under way',
        'leave it, empty or unused');
    END IF;
  END LOOP;
  -- What a DROP does inside of another command is logged with that command.
  IF touched AND tag LIKE 'DROP %' THEN PERFORM spacecluster.capture(statement, path); END IF;
END
$body$;

-- Our own statements run inside of these and fire them again: they pass under a name.
CREATE OR REPLACE FUNCTION spacecluster.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $body$
BEGIN
  IF pg_catalog.current_setting('spacecluster.attaching', true) OPERATOR(pg_catalog.=) 'on' THEN RETURN; END IF;
  PERFORM pg_catalog.set_config('spacecluster.attaching', 'on', true);
  PERFORM spacecluster.after_ddl(pg_catalog.current_query(), pg_catalog.current_setting('search_path'));
  PERFORM pg_catalog.set_config('spacecluster.attaching', 'off', true);
END
$body$;

CREATE OR REPLACE FUNCTION spacecluster.on_drop() RETURNS event_trigger LANGUAGE plpgsql AS $body$
BEGIN
  PERFORM spacecluster.after_drop(pg_catalog.current_query(), pg_catalog.current_setting('search_path'), TG_TAG);
END
$body$;
`;
