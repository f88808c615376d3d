// SQL that keeps the sequences of the two members apart: odd values on the first, even ones on the second.

export const SEQUENCES_SQL = String.raw`
-- The next value of this member's half at or after the given one.
CREATE OR REPLACE FUNCTION spacecluster.own_value(value bigint) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
RETURN value + CASE WHEN abs(value % 2) = spacecluster.node() % 2 THEN 0 ELSE 1 END;

CREATE OR REPLACE FUNCTION spacecluster.separate(sequence regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  step bigint;
  next bigint;
BEGIN
  -- A rebuilt member learns from the column which values were given out in its earlier life.
  IF NOT EXISTS (SELECT FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
      WHERE d.classid = 'pg_class'::regclass AND d.objid = sequence AND d.refclassid = 'pg_class'::regclass
        AND d.deptype IN ('a', 'i') AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)) THEN
    PERFORM spacecluster.reject(sequence::text, 'a sequence must belong to a column of whole numbers',
      'use an identity or serial column, or uuidv7()');
  END IF;
  SELECT seqincrement INTO step FROM pg_sequence WHERE seqrelid = sequence;
  EXECUTE format('SELECT CASE WHEN is_called THEN last_value + %s ELSE last_value END FROM %s', step, sequence) INTO next;
  IF step NOT IN (1, 2) THEN
    PERFORM spacecluster.reject(sequence::text, 'the members share a sequence by taking every second value',
      'leave its increment at 1');
  END IF;
  IF step = 1 OR next <> spacecluster.own_value(next) THEN
    EXECUTE format('ALTER SEQUENCE %s INCREMENT BY 2 RESTART WITH %s', sequence, spacecluster.own_value(next));
  END IF;
END
$body$;

-- Past every value that is in the tables: before a member that was built from its peer's rows serves.
CREATE OR REPLACE FUNCTION spacecluster.advance_sequences() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  owned record;
  used bigint;
  next bigint;
BEGIN
  FOR owned IN
    SELECT s.oid::regclass AS sequence, d.refobjid::regclass AS relation, a.attname AS col
    FROM pg_class s JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.oid
      AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
    JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
    WHERE s.relkind = 'S' AND s.relnamespace = 'space'::regnamespace
  LOOP
    EXECUTE format('SELECT max(%I) FROM %s', owned.col, owned.relation) INTO used;
    EXECUTE format('SELECT CASE WHEN is_called THEN last_value + 2 ELSE last_value END FROM %s', owned.sequence) INTO next;
    PERFORM setval(owned.sequence, spacecluster.own_value(greatest(next, used + 1)), false);
  END LOOP;
END
$body$;
`;
