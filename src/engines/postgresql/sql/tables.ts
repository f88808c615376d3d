// SQL that makes a table of schema `space` a replicated one, or says why it cannot be (P4, P5, P6).

/** What every table is checked for, and brought to. Run for the tables that a schema change touched, before it commits. */
export const TABLES_SQL = String.raw`
CREATE OR REPLACE FUNCTION spacecluster.reject(subject text, problem text, advice text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'feature_not_supported', MESSAGE = subject || ': ' || problem, HINT = advice;
END
$body$;

-- The tables as they were attached: what a later change may not take away, because rows under way still rely on it.
CREATE TABLE IF NOT EXISTS spacecluster.replicated (
  relation oid PRIMARY KEY,
  name text NOT NULL,
  keys name[] NOT NULL,
  checks name[] NOT NULL,
  columns jsonb NOT NULL,
  written text NOT NULL
);

CREATE OR REPLACE FUNCTION spacecluster.keys_of(relation regclass) RETURNS name[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
RETURN ARRAY(SELECT a.attname FROM pg_index i, unnest(i.indkey) WITH ORDINALITY AS k (attnum, position)
  JOIN pg_attribute a USING (attnum) WHERE i.indrelid = relation AND i.indisprimary AND a.attrelid = relation ORDER BY position);

CREATE OR REPLACE FUNCTION spacecluster.checks_of(relation regclass) RETURNS name[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
RETURN ARRAY(SELECT conname FROM pg_constraint WHERE conrelid = relation AND contype = 'c' ORDER BY conname);

-- By number: name, type, whether it is generated, whether it allows NULL.
CREATE OR REPLACE FUNCTION spacecluster.columns_of(relation regclass) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
RETURN (SELECT coalesce(jsonb_object_agg(attnum::text,
    jsonb_build_array(attname, format_type(atttypid, atttypmod), attgenerated, NOT attnotnull)), '{}')
  FROM pg_attribute WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped);

CREATE OR REPLACE FUNCTION spacecluster.check_columns(relation regclass, known jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  present jsonb := spacecluster.columns_of(relation);
  col record;
BEGIN
  FOR col IN SELECT k.value->>0 AS name FROM jsonb_each(known) k
    WHERE (present->k.key) - 3 IS DISTINCT FROM k.value - 3 OR (k.value->3)::boolean AND NOT (present->k.key->3)::boolean
  LOOP
    PERFORM spacecluster.reject(relation || '.' || col.name, 'a replicated column may not be dropped, renamed, changed in type or set NOT NULL',
      'add a column under another name: rows under way between the members still carry this one');
  END LOOP;
  FOR col IN
    SELECT a.attname AS name, a.attnotnull, a.atthasdef, d.adbin::text AS expression
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
      AND known <> '{}' AND NOT known ? a.attnum::text AND a.attname NOT IN ('space_at', 'space_node')
  LOOP
    IF col.attnotnull AND NOT col.atthasdef THEN
      PERFORM spacecluster.reject(relation || '.' || col.name, 'a new column must allow NULL or have a default',
        'rows under way from the other member do not carry it yet');
    END IF;
    IF col.expression ~ '\{(SQLVALUEFUNCTION|NEXTVALUEEXPR)' OR EXISTS (
      SELECT FROM regexp_matches(col.expression, ':(?:funcid|opfuncid) (\d+)', 'g') m
      JOIN pg_proc p ON p.oid = m[1]::oid WHERE p.provolatile <> 'i')
    THEN
      PERFORM spacecluster.reject(relation || '.' || col.name, 'the default of a new column must be a constant',
        'existing rows would get a value of its own on each member; add the column first, then set its default');
    END IF;
  END LOOP;
END
$body$;

CREATE OR REPLACE FUNCTION spacecluster.check_table(relation regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  class pg_class := (SELECT c FROM pg_class c WHERE c.oid = relation);
  found text;
BEGIN
  IF class.relpersistence <> 'p' THEN
    PERFORM spacecluster.reject(relation::text, 'an unlogged table is not replicated', 'leave out UNLOGGED');
  END IF;
  IF NOT class.relispartition AND EXISTS (SELECT FROM pg_inherits WHERE inhrelid = relation) THEN
    PERFORM spacecluster.reject(relation::text, 'inheritance is not replicated', 'use partitions');
  END IF;
  IF class.relreplident <> 'd' THEN
    PERFORM spacecluster.reject(relation::text, 'the replica identity must be the primary key', 'leave it at DEFAULT');
  END IF;
  IF NOT EXISTS (SELECT FROM pg_index WHERE indrelid = relation AND indisprimary AND indimmediate) THEN
    PERFORM spacecluster.reject(relation::text, 'a replicated table needs a primary key that is not deferrable',
      'add one: id uuid PRIMARY KEY DEFAULT uuidv7()');
  END IF;
  SELECT indexrelid::regclass::text INTO found FROM pg_index
  WHERE indrelid = relation AND (indisunique OR indisexclusion) AND NOT indisprimary LIMIT 1;
  IF found IS NOT NULL THEN
    -- The same value inserted on both members would stop both apply workers for ever.
    PERFORM spacecluster.reject(relation::text, 'a second unique key cannot be replicated: ' || found,
      'make it the primary key, or an index that is not unique');
  END IF;
  SELECT tgname INTO found FROM pg_trigger
  WHERE tgrelid = relation AND tgenabled IN ('A', 'R') AND NOT tgisinternal AND tgname NOT LIKE 'zz\_spacecluster\_%' LIMIT 1;
  IF found IS NOT NULL THEN
    PERFORM spacecluster.reject(relation::text, 'trigger ' || found || ' would fire for replicated rows', 'enable it for local writes only');
  END IF;
  SELECT a.attname INTO found FROM pg_attribute a
  WHERE a.attrelid = relation AND a.attidentity = 'a' AND NOT EXISTS (
    SELECT FROM pg_index i WHERE i.indrelid = relation AND i.indisprimary AND a.attnum = ANY (i.indkey)) LIMIT 1;
  IF found IS NOT NULL THEN
    PERFORM spacecluster.reject(relation || '.' || found, 'only a key can be GENERATED ALWAYS AS IDENTITY', 'use BY DEFAULT');
  END IF;
END
$body$;

-- Values inside the row: an unchanged value outside it is not sent with an update, and the copies would be mixed (P6).
CREATE OR REPLACE FUNCTION spacecluster.keep_inline(relation regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  col name;
BEGIN
  FOR col IN SELECT attname FROM pg_attribute WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped
    AND attlen = -1 AND attstorage <> 'p' AND attgenerated <> 'v'
  LOOP
    EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET STORAGE PLAIN', relation, col);
  END LOOP;
END
$body$;

-- Makes one table, or partition, a replicated one. Repeatable; writes only what is missing.
CREATE OR REPLACE FUNCTION spacecluster.attach(relation regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $body$
#variable_conflict use_column
DECLARE
  class pg_class := (SELECT c FROM pg_class c WHERE c.oid = relation);
  before spacecluster.replicated := (SELECT r FROM spacecluster.replicated r WHERE r.relation = attach.relation);
  filled boolean;
  keys name[];
  sent name[];
  shape text;
BEGIN
  IF before.relation IS NULL AND class.relkind = 'r' THEN
    EXECUTE format('SELECT EXISTS (SELECT FROM ONLY %s)', relation) INTO filled;
    IF filled THEN
      PERFORM spacecluster.reject(relation::text, 'a table that has rows already cannot become a replicated one',
        'create it empty, then insert its rows');
    END IF;
  END IF;
  IF before.name <> relation::text THEN
    PERFORM spacecluster.reject(before.name, 'a replicated table may not be renamed', 'create another');
  END IF;
  PERFORM spacecluster.check_table(relation);
  keys := spacecluster.keys_of(relation);
  IF before.keys <> keys THEN
    PERFORM spacecluster.reject(relation::text, 'the primary key of a replicated table may not change', 'create another table');
  END IF;
  IF NOT spacecluster.checks_of(relation) <@ before.checks THEN
    PERFORM spacecluster.reject(relation::text, 'a constraint may not be added to a replicated table',
      'rows under way from the other member may break it; check in the application, or create another table');
  END IF;
  PERFORM spacecluster.check_columns(relation, coalesce(before.columns, '{}'));
  IF NOT class.relispartition THEN
    EXECUTE format('ALTER TABLE %s ADD COLUMN IF NOT EXISTS space_at timestamptz NOT NULL DEFAULT ''-infinity'','
      ' ADD COLUMN IF NOT EXISTS space_node smallint NOT NULL DEFAULT 0', relation);
  END IF;
  IF (SELECT count(*) FROM pg_attribute WHERE attrelid = relation AND NOT attisdropped AND attnotnull
      AND (attname, atttypid) IN (('space_at', 'timestamptz'::regtype), ('space_node', 'int2'::regtype))) <> 2 THEN
    PERFORM spacecluster.reject(relation::text, 'columns space_at and space_node belong to the replication', 'call yours otherwise');
  END IF;
  PERFORM spacecluster.keep_inline(relation);
  sent := ARRAY(SELECT attname FROM pg_attribute WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped
    AND attgenerated = '' ORDER BY attnum);
  shape := md5(relation::text || keys::text || sent::text || spacecluster.base_version());
  IF class.relkind = 'r' AND (before.written IS DISTINCT FROM shape OR NOT spacecluster.guarded(relation)) THEN
    PERFORM spacecluster.write_triggers(relation, keys, sent);
  END IF;
  INSERT INTO spacecluster.replicated
  VALUES (attach.relation, attach.relation::text, keys, spacecluster.checks_of(attach.relation), spacecluster.columns_of(attach.relation), shape)
  ON CONFLICT (relation) DO UPDATE SET checks = EXCLUDED.checks, columns = EXCLUDED.columns, written = EXCLUDED.written;
END
$body$;

-- Are all of our triggers there, and enabled as they must be?
CREATE OR REPLACE FUNCTION spacecluster.guarded(relation regclass) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
RETURN (SELECT count(*) = 5 FROM pg_trigger WHERE tgrelid = relation
  AND (tgname, tgenabled) IN (('zz_spacecluster_apply', 'R'), ('zz_spacecluster_stamp', 'O'), ('zz_spacecluster_key', 'O'),
    ('zz_spacecluster_delete', 'O'), ('zz_spacecluster_truncate', 'O')));
`;
