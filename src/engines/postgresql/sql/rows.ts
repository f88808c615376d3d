// SQL of the replicated rows: stamps on local writes (P5), last-update-wins on rows that come from the peer, what is refused.

/**
 * `stamp` fires for local writes only. No clock that runs ahead can make a newer value lose (counterexample 17): a stamp
 * is never below the row's last one. `row_hash` is the last tie-breaker, so it must not depend on a session's settings.
 */
export const ROWS_SQL = String.raw`
CREATE OR REPLACE FUNCTION spacecluster.stamp() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    NEW.space_at := greatest(pg_catalog.clock_timestamp(), OLD.space_at + pg_catalog.interval '1 microsecond');
  ELSE
    NEW.space_at := pg_catalog.clock_timestamp();
  END IF;
  NEW.space_node := spacecluster.node();
  RETURN NEW;
END
$body$;

CREATE OR REPLACE FUNCTION spacecluster.refuse() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'feature_not_supported',
    MESSAGE = pg_catalog.format('%I.%I: cannot %s: that is not replicated', TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_ARGV[0]),
    HINT = TG_ARGV[1];
END
$body$;

CREATE OR REPLACE FUNCTION spacecluster.row_hash(version record) RETURNS text LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO, YMD' SET intervalstyle = 'iso_8601'
SET extra_float_digits = 1 SET bytea_output = 'hex' SET xmloption = 'content' SET lc_monetary = 'C' AS $body$
BEGIN
  RETURN md5(version::text);
END
$body$;
`;

/**
 * Writes the function and the triggers of one table. The function is made for the table, with static statements: a
 * plan is kept, where a generic function would parse and plan for every row that comes.
 *
 * A row that arrives as an insert goes through ON CONFLICT, so that neither an existing row nor one that is inserted
 * here at the same time stops the apply worker, and so that a copy of a table that has rows already is a merge.
 * Our own nested INSERT fires the trigger again, one level deeper, where it passes.
 *
 * Names go in as quoted identifiers, and the body as a quoted literal: they are the application's, this runs as superuser.
 */
export const TRIGGERS_SQL = String.raw`
CREATE OR REPLACE FUNCTION spacecluster.listed(items name[], pattern text, separator text DEFAULT ', ') RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
RETURN (SELECT string_agg(format(pattern, item), separator ORDER BY position)
  FROM unnest(items) WITH ORDINALITY AS u (item, position));

CREATE OR REPLACE FUNCTION spacecluster.write_triggers(relation regclass, keys name[], columns name[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  apply text := format('spacecluster.%I', 'apply_' || relation::oid);
  others name[] := ARRAY(SELECT c FROM unnest(columns) WITH ORDINALITY AS u (c, n) WHERE c <> ALL (keys) ORDER BY n);
  body text := format($format$
#variable_conflict use_column
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF (NEW.space_at, NEW.space_node) > (OLD.space_at, OLD.space_node) THEN RETURN NEW; END IF;
    IF (NEW.space_at, NEW.space_node) < (OLD.space_at, OLD.space_node) THEN RETURN NULL; END IF;
    IF spacecluster.row_hash(ROW(%3$s)) > spacecluster.row_hash(ROW(%4$s)) THEN RETURN NEW; END IF;
    RETURN NULL;
  END IF;
  IF pg_trigger_depth() > 1 THEN RETURN NEW; END IF;
  INSERT INTO %1$s AS here (%2$s) OVERRIDING SYSTEM VALUE VALUES (%3$s)
  ON CONFLICT (%5$s) DO UPDATE SET %6$s
  WHERE CASE
    WHEN (EXCLUDED.space_at, EXCLUDED.space_node) = (here.space_at, here.space_node)
      THEN spacecluster.row_hash(ROW(%7$s)) > spacecluster.row_hash(ROW(%8$s))
    ELSE (EXCLUDED.space_at, EXCLUDED.space_node) > (here.space_at, here.space_node)
  END;
  RETURN NULL;
END
$format$,
    relation,
    spacecluster.listed(columns, '%I'),
    spacecluster.listed(columns, 'NEW.%I'),
    spacecluster.listed(columns, 'OLD.%I'),
    spacecluster.listed(keys, '%I'),
    spacecluster.listed(others, '%1$I = EXCLUDED.%1$I'),
    spacecluster.listed(columns, 'EXCLUDED.%I'),
    spacecluster.listed(columns, 'here.%I'));
  events text[] := ARRAY[
    'zz_spacecluster_apply BEFORE INSERT OR UPDATE ON %1$s FOR EACH ROW EXECUTE FUNCTION ' || apply || '()',
    'zz_spacecluster_stamp BEFORE INSERT OR UPDATE ON %1$s FOR EACH ROW EXECUTE FUNCTION spacecluster.stamp()',
    'zz_spacecluster_key BEFORE UPDATE ON %1$s FOR EACH ROW WHEN ('
      || replace(spacecluster.listed(keys, 'OLD.%1$I IS DISTINCT FROM NEW.%1$I', ' OR '), '%', '%%')
      || ') EXECUTE FUNCTION spacecluster.refuse(''change the key of a row'', ''mark it as deleted and insert another'')',
    'zz_spacecluster_delete BEFORE DELETE ON %1$s FOR EACH ROW'
      || ' EXECUTE FUNCTION spacecluster.refuse(''delete a row'', ''mark it as deleted in a column of your own'')',
    'zz_spacecluster_truncate BEFORE TRUNCATE ON %1$s FOR EACH STATEMENT'
      || ' EXECUTE FUNCTION spacecluster.refuse(''truncate the table'', ''mark its rows as deleted in a column of your own'')'];
  event text;
BEGIN
  EXECUTE format('CREATE OR REPLACE FUNCTION %s() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS %L', apply, body);
  FOREACH event IN ARRAY events LOOP
    EXECUTE format('CREATE OR REPLACE TRIGGER ' || event, relation);
  END LOOP;
  EXECUTE format('ALTER TABLE %s ENABLE REPLICA TRIGGER zz_spacecluster_apply', relation);
END
$body$;
`;
