import type { Digest } from "../../spec/room.ts";
import { changeRecord, Database, type Decision, type Kv, type KvEntry, type KvKey } from "../../kv/room.ts";
import { tooMany } from "../rate_limits.ts";
import type { OpenRuns } from "../telemetry.ts";
import { isFinal, listTags, nameTag, type Plan, type Report, type Run, tagOf } from "./run.ts";

/** Record of a tag, shared by all of its runs. */
interface Tag {
  /** Number of runs that have begun. */
  readonly runs: number;
  /** Indexes that the latest runs publish. */
  readonly releases: readonly Release[];
}

/** Index that a run has planned or published. */
export interface Release {
  /** Value of {@linkcode Run.orders} of the run for the tag. */
  readonly order: number;
  /** Digest of the index, as planned. */
  readonly digest: Digest;
}

/** Entry of a run that is not finished. */
type OpenRun = Pick<Run, "began" | "expires">;

/** Maximum number of releases kept for a tag. Only those of runs that overlap in time matter. */
const MAX_RELEASES = 32;
/** Maximum number of expired runs that are deleted when a run begins, so that its first report stays fast. */
const MAX_FORGOTTEN = 16;
/** Time after which a caller with too many runs may try again, in seconds. */
const RETRY_BEGIN = 60;

/** Database and lifetime of the runs in {@linkcode Runs}. */
export interface RunsOptions {
  /** Database that keeps the runs. */
  readonly kv: Kv;
  /** Prefix of all keys in the database. */
  readonly prefix: KvKey;
  /** Time from the first report until a run expires, in milliseconds. */
  readonly lifetime: number;
  /** Maximum number of unfinished runs of one caller. */
  readonly maxOpen: number;
  /** Current time, in milliseconds since 1970. */
  readonly now: () => number;
}

/** Runs in a KV database, one record each. Records of tags are committed together with those of the run. */
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

  /** Lists runs of a target by their names, those after `after`. `next` is the `after` of the next page. */
  async list(
    target: string,
    { after, limit }: { after: string; limit: number },
  ): Promise<{ runs: Run[]; next?: string }> {
    // Names of runs are ASCII, so that "\x7f" sorts after all of them.
    const range = { start: this.#runKey(target, after && `${after}\0`), end: this.#runKey(target, "\x7f") };
    const entries = await this.#db.list<Run>(range, { limit: limit + 1 });
    const page = entries.slice(0, limit).map(({ value }) => value!);
    const runs = page.filter((run) => this.#dropExpired(run));
    return entries.length > limit ? { runs, next: page.at(-1)!.run } : { runs };
  }

  /**
   * Changes the run of a report, and creates it for the first report. If `change` throws, nothing is written. Throws an
   * error with status 429 if the caller has begun too many runs.
   */
  async report(report: Report, change: (run: Run) => Run): Promise<{ run: Run; hasBegun: boolean }> {
    const { target, run: name } = report;
    let hasBegun = false;
    const decide = async (value: Run | undefined): Promise<Decision<Run>> => {
      const existing = this.#dropExpired(value);
      hasBegun = !existing;
      if (existing) return this.#decide(change(existing));
      await this.#assertMayBegin(report.by);
      const { first, ...writes } = await this.#begin(report);
      // The entry of an expired run with this name may be below another caller.
      return { ...writes, record: change(first), deletes: value ? [this.#openKey(value)] : [] };
    };
    const changed = await changeRecord<Run>(this.#db, this.#runKey(target, name), { decide });
    if (hasBegun) await this.#deleteExpired();
    return { run: changed!, hasBegun };
  }

  /** Returns a new run, and the writes of the commit that creates it. */
  async #begin({ target, tags, run, expected, annotations, by }: Report) {
    const entries = await this.#getTags(listTags({ target, tags }));
    const counted = entries.map(({ name, entry }) => {
      const { runs, releases } = entry.value ?? { runs: 0, releases: [] };
      return { name, entry, tag: { runs: runs + 1, releases } };
    });
    const began = this.#options.now(), expires = began + this.#options.lifetime;
    const orders = Object.fromEntries(counted.map(({ name, tag }) => [tagOf(name), tag.runs]));
    const shared = { target, tags, run, expected, annotations, owner: by, began, expires };
    const first: Run = { ...shared, reports: {}, orders, state: "collecting" };
    const open: OpenRun = { began, expires };
    return {
      first,
      checks: counted.map(({ entry }) => entry),
      sets: [
        ...counted.map(({ entry, tag }) => [entry.key, tag] as const),
        [[...this.#expiryKey(expires), target, run], true] as const,
        [this.#openKey(first), open] as const,
      ],
    };
  }

  async #assertMayBegin(owner: string): Promise<void> {
    const { maxOpen, now } = this.#options;
    const prefix = [...this.#openPrefix(), owner];
    const open = await this.#db.list<OpenRun>({ prefix }, { limit: maxOpen });
    if (open.filter(({ value }) => value!.expires > now()).length < maxOpen) return;
    throw tooMany("TOO_MANY_RUNS", `${maxOpen} unfinished runs are allowed`, RETRY_BEGIN);
  }

  /** Changes an existing run; returns `undefined` if it does not exist or has expired. */
  async change({ target, run }: Pick<Run, "target" | "run">, change: (run: Run) => Run): Promise<Run | undefined> {
    const decide = (value: Run | undefined): Decision<Run> => {
      const existing = this.#dropExpired(value);
      return existing ? this.#decide(change(existing)) : { record: undefined };
    };
    return await changeRecord<Run>(this.#db, this.#runKey(target, run), { decide });
  }

  /** Returns the writes for a changed run. */
  #decide(record: Run): Decision<Run> {
    return { record, deletes: isFinal(record) ? [this.#openKey(record)] : [] };
  }

  /**
   * Records the plan of a run, in the run and in the records of its planned tags, in one commit. `change` gets the current
   * run (`undefined` if it has expired) and throws to prevent the commit.
   */
  async plan({ target, run, orders }: Run, plan: Plan, change: (run: Run | undefined) => Run): Promise<void> {
    const decide = async (value: Run | undefined): Promise<Decision<Run>> => {
      const current = change(this.#dropExpired(value));
      const entries = await this.#getTags(Object.keys(plan.before).map((tag) => nameTag(target, tag)));
      const sets = entries.map(({ name, entry }) => {
        const order = orders[tagOf(name)]!;
        const { runs, releases } = entry.value ?? { runs: order, releases: [] };
        const others = releases.filter((release) => release.order !== order);
        const next: Tag = { runs, releases: [...others, { order, digest: plan.digest }].slice(-MAX_RELEASES) };
        return [entry.key, next] as const;
      });
      return { record: { ...current, plan }, checks: entries.map(({ entry }) => entry), sets };
    };
    await changeRecord<Run>(this.#db, this.#runKey(target, run), { decide });
  }

  /** Returns the indexes that the latest runs of each of these tags publish, in the same order. */
  async releases(names: readonly string[]): Promise<(readonly Release[])[]> {
    return (await this.#getTags(names)).map(({ entry }) => entry.value?.releases ?? []);
  }

  /** Counts the unfinished runs of all callers. */
  async findOpen(): Promise<OpenRuns> {
    const now = this.#options.now();
    const entries = await this.#db.list<OpenRun>({ prefix: this.#openPrefix() });
    const began = entries.filter(({ value }) => value!.expires > now).map(({ value }) => value!.began);
    return { count: began.length, oldest: (now - Math.min(now, ...began)) / 1000 };
  }

  /** Reads the database, to find out whether it can be reached. */
  async ping(): Promise<void> {
    await this.#db.get(this.#openPrefix());
  }

  async #getTags(names: readonly string[]): Promise<{ name: string; entry: KvEntry<Tag> }[]> {
    const entries = await this.#db.getMany<Tag>(names.map((name) => this.#tagKey(name)));
    return names.map((name, i) => ({ name, entry: entries[i]! }));
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
    const hasExpired = run.value && !this.#dropExpired(run.value);
    const deletes = hasExpired ? [key, run.key, this.#openKey(run.value!)] : [key];
    await this.#db.commit({ checks: [run], deletes });
  }

  #runKey(target: string, run: string): KvKey {
    return [...this.#options.prefix, "run", target, run];
  }

  #tagKey(name: string): KvKey {
    return [...this.#options.prefix, "tag", name];
  }

  #expiryKey(time: number): KvKey {
    return [...this.#options.prefix, "expiry", time];
  }

  #openPrefix(): KvKey {
    return [...this.#options.prefix, "open"];
  }

  #openKey({ owner, target, run }: Run): KvKey {
    return [...this.#openPrefix(), owner, target, run];
  }
}
