// A small metrics registry: counters, gauges and histograms with labels, in Prometheus' text format.

export type Labels = Readonly<Record<string, string>>;

export interface Counter {
  inc(labels?: Labels, by?: number): void;
}

export interface Gauge {
  set(value: number, labels?: Labels): void;
  /** Removes one series: what it told of is gone. */
  remove(labels?: Labels): void;
}

export interface Histogram {
  observe(value: number, labels?: Labels): void;
}

interface Family {
  render(): readonly string[];
}

/** Seconds. */
export const DURATION_BUCKETS: readonly number[] = [
  0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

export class Registry {
  readonly #families = new Map<string, Family>();
  readonly #collectors: (() => void)[] = [];

  counter(name: string, help: string): Counter {
    const values = new Series();
    this.#add(name, () => [...head(name, help, 'counter'), ...values.lines(name)]);
    return {
      inc: (labels = {}, by = 1) => {
        values.add(labels, by);
      },
    };
  }

  gauge(name: string, help: string): Gauge {
    const values = new Series();
    this.#add(name, () => [...head(name, help, 'gauge'), ...values.lines(name)]);
    return {
      set: (value, labels = {}) => {
        values.set(labels, value);
      },
      remove: (labels = {}) => {
        values.remove(labels);
      },
    };
  }

  histogram(name: string, help: string, buckets: readonly number[] = DURATION_BUCKETS): Histogram {
    const series = new Map<string, { readonly counts: number[]; sum: number; count: number }>();
    this.#add(name, () => [
      ...head(name, help, 'histogram'),
      ...[...series].flatMap(([labels, { counts, sum, count }]) => [
        ...buckets.map((bound, i) => `${name}_bucket{${join(labels, `le="${bound}"`)}} ${counts[i] ?? 0}`),
        `${name}_bucket{${join(labels, 'le="+Inf"')}} ${count}`,
        `${name}_sum${braced(labels)} ${sum}`,
        `${name}_count${braced(labels)} ${count}`,
      ]),
    ]);
    return {
      observe: (value, labels = {}) => {
        const key = labelText(labels);
        const entry = series.get(key) ?? { counts: buckets.map(() => 0), sum: 0, count: 0 };
        series.set(key, entry);
        for (const [i, bound] of buckets.entries()) {
          if (value <= bound) entry.counts[i] = (entry.counts[i] ?? 0) + 1;
        }
        entry.sum += value;
        entry.count += 1;
      },
    };
  }

  /** Called before every scrape, to set gauges that are read rather than followed. */
  onScrape(collect: () => void): void {
    this.#collectors.push(collect);
  }

  /** Everything in the text format, version 0.0.4. */
  render(): string {
    for (const collect of this.#collectors) collect();
    return `${[...this.#families.values()].flatMap((family) => family.render()).join('\n')}\n`;
  }

  #add(name: string, render: () => readonly string[]): void {
    if (!NAME.test(name) || this.#families.has(name))
      throw new RangeError(`metric ${name} is wrong or made twice`);
    this.#families.set(name, { render });
  }
}

/** The values of one name, by their labels. */
class Series {
  readonly #values = new Map<string, number>();

  add(labels: Labels, by: number): void {
    const key = labelText(labels);
    this.#values.set(key, (this.#values.get(key) ?? 0) + by);
  }

  set(labels: Labels, value: number): void {
    this.#values.set(labelText(labels), value);
  }

  remove(labels: Labels): void {
    this.#values.delete(labelText(labels));
  }

  lines(name: string): readonly string[] {
    return [...this.#values].map(([labels, value]) => `${name}${braced(labels)} ${value}`);
  }
}

function head(name: string, help: string, type: string): readonly string[] {
  return [
    `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`,
    `# TYPE ${name} ${type}`,
  ];
}

function labelText(labels: Labels): string {
  return Object.entries(labels)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(',');
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function braced(labels: string): string {
  return labels === '' ? '' : `{${labels}}`;
}

function join(labels: string, last: string): string {
  return labels === '' ? last : `${labels},${last}`;
}
