import type { Digest } from "../../spec/room.ts";
import { changeRecord, Database, type Decision, type Kv, type KvEntry, type KvKey } from "../../kv/room.ts";
import type { Plan, Report, Run } from "./run.ts";

/** Record of a tag, shared by all of its runs. */
interface Tag {
  /** Number of runs that have begun. */
  readonly runs: number;
  /** Indexes that the latest runs publish. */
  readonly releases: readonly Release[];
}

/** Index that a run has planned or published. */
export interface Release {
  /** Value of {@linkcode Run.order} of the run. */
  readonly order: number;
  /** Digest of the index, as planned. */
  readonly digest: Digest;
}

/** Maximum number of releases kept for a tag. Only those of runs that overlap in time matter. */
const MAX_RELEASES = 32;
/** Maximum number of expired runs that are deleted when a run begins, so that its first report stays fast. */
const MAX_FORGOTTEN = 16;

/** Database and lifetime of the runs in {@linkcode Runs}. */
export interface RunsOptions {
  /** Database that keeps the runs. */
  readonly kv: Kv;
  /** Prefix of all keys in the database. */
  readonly prefix: KvKey;
  /** Time from the first report until a run expires, in milliseconds. */
  readonly lifetime: number;
  /** Current time, in milliseconds since 1970. */
  readonly now: () => number;
}

/** Runs in a KV database, one record each. Records of the tag are committed together with those of the run. */
export class Runs {
  readonly #db: Database;
  readonly #options: RunsOptions;

  /** Wraps a database without reading it. */
  constructor(options: RunsOptions) {
    this.#db = new Database(options.kv);
    this.#options = options;
  }

  /** Finds a run; `undefined` if it does not exist or has expired. */
  async find(target: string, run: string): Promise<Run | undefined> {
    return this.#dropExpired((await this.#db.get<Run>(this.#runKey(target, run))).value);
  }

  /** Changes the run of a report, and creates it for the first report. If `change` throws, nothing is written. */
  async report(report: Report, change: (run: Run) => Run): Promise<Run> {
    const { target, run: name, expected, annotations } = report;
    const key = this.#runKey(target, name);
    let began = false;
    const decide = async (value: Run | undefined): Promise<Decision<Run>> => {
      const existing = this.#dropExpired(value);
      began = !existing;
      if (existing) return { record: change(existing) };
      const tag = await this.#db.get<Tag>(this.#tagKey(target));
      const { runs, releases } = tag.value ?? { runs: 0, releases: [] };
      const expires = this.#options.now() + this.#options.lifetime;
      const first = { target, run: name, expected, annotations, reports: {}, order: runs + 1, expires };
      return {
        record: change({ ...first, state: "collecting" }),
        checks: [tag],
        sets: [[tag.key, { runs: runs + 1, releases }], [[...this.#expiryKey(expires), target, name], true]],
      };
    };
    const changed = await changeRecord<Run>(this.#db, key, { decide });
    if (began) await this.#deleteExpired();
    return changed!;
  }

  /** Changes an existing run; returns `undefined` if it does not exist or has expired. */
  async change({ target, run }: Pick<Run, "target" | "run">, change: (run: Run) => Run): Promise<Run | undefined> {
    const decide = (value: Run | undefined): Decision<Run> => {
      const existing = this.#dropExpired(value);
      return { record: existing && change(existing) };
    };
    return await changeRecord<Run>(this.#db, this.#runKey(target, run), { decide });
  }

  /**
   * Records the plan of a run, in the run and in the record of its tag, in one commit. `change` gets the current run
   * (`undefined` if it has expired) and throws to prevent the commit.
   */
  async plan({ target, run, order }: Run, plan: Plan, change: (run: Run | undefined) => Run): Promise<void> {
    const decide = async (value: Run | undefined): Promise<Decision<Run>> => {
      const current = change(this.#dropExpired(value));
      const tag = await this.#db.get<Tag>(this.#tagKey(target));
      const { runs, releases } = tag.value ?? { runs: order, releases: [] };
      const others = releases.filter((release) => release.order !== order);
      const next: Tag = { runs, releases: [...others, { order, digest: plan.digest }].slice(-MAX_RELEASES) };
      return { record: { ...current, plan }, checks: [tag], sets: [[tag.key, next]] };
    };
    await changeRecord<Run>(this.#db, this.#runKey(target, run), { decide });
  }

  /** Returns the indexes that the latest runs of a tag publish. */
  async releases(target: string): Promise<readonly Release[]> {
    return (await this.#db.get<Tag>(this.#tagKey(target))).value?.releases ?? [];
  }

  #dropExpired(value: Run | null | undefined): Run | undefined {
    return value && value.expires > this.#options.now() ? value : undefined;
  }

  /** Deletes expired runs. Errors are ignored: the next run that begins tries again. */
  async #deleteExpired(): Promise<void> {
    try {
      const range = { start: this.#expiryKey(0), end: this.#expiryKey(this.#options.now()) };
      for (const entry of await this.#db.list(range, { limit: MAX_FORGOTTEN })) await this.#delete(entry);
    } catch {
      // The report itself is already committed, so its request must not fail.
    }
  }

  async #delete({ key }: KvEntry): Promise<void> {
    const [target, name] = key.slice(-2) as [string, string];
    const run = await this.#db.get<Run>(this.#runKey(target, name));
    // A run with the same name may have begun since then: only its old expiry entry is deleted.
    const deletes = run.value && !this.#dropExpired(run.value) ? [key, run.key] : [key];
    await this.#db.commit({ checks: [run], deletes });
  }

  #runKey(target: string, run: string): KvKey {
    return [...this.#options.prefix, "run", target, run];
  }

  #tagKey(target: string): KvKey {
    return [...this.#options.prefix, "tag", target];
  }

  #expiryKey(time: number): KvKey {
    return [...this.#options.prefix, "expiry", time];
  }
}
