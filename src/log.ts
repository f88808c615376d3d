// Structured logging: one JSON object a line on stdout, secrets redacted by key. The only place that knows winston.
import winston from 'winston';

export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every line. */
  with(fields: LogFields): Logger;
}

const SECRET_KEY = /pass(word|wd|phrase)?|secret|token|authorization|cookie|private|credential/i;
const MAX_DEPTH = 4;

/** A copy with the values of secret-looking keys replaced, errors flattened, and depth bounded. */
export function redact(value: unknown, depth = 0): unknown {
  if (value instanceof Error)
    return { name: value.name, message: value.message, code: 'code' in value ? value.code : undefined };
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return '[deep]';
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      SECRET_KEY.test(key) ? '[redacted]' : redact(item, depth + 1),
    ]),
  );
}

/** @param level 'debug' | 'info' | 'warn' | 'error' */
export function createLogger(level: string, fields: LogFields = {}): Logger {
  const base = winston.createLogger({
    level,
    format: winston.format.combine(winston.format.timestamp(), winston.format.json()),
    transports: [new winston.transports.Console()],
  });
  return wrap(base, fields);
}

function wrap(base: winston.Logger, bound: LogFields): Logger {
  const write =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, fields: LogFields = {}): void => {
      base.log(level, message, redact({ ...bound, ...fields }));
    };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    with: (fields) => wrap(base, { ...bound, ...fields }),
  };
}
