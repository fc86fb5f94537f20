import { dirname } from "@std/path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { LAST_TABLE, SCHEMA } from "./schema.ts";

/**
 * How long another program may hold the file, in milliseconds. They hold it for one small transaction at a time; as
 * nothing else happens here meanwhile, to go on without the file is better than to wait long.
 */
const BUSY_TIMEOUT = 2000;

/** What a column may hold. */
export type Value = string | Uint8Array<ArrayBuffer>;

/** A row that was read; whatever wrote it, it may hold anything. */
export type Row = Readonly<Record<string, unknown>>;

/** A statement that changes something, with its parameters. */
export type Change = readonly [statement: string, ...parameters: Value[]];

/** A SQLite file that is optional: at the first trouble it is given up, and then nothing can be read or written. */
export class OptionalDatabase implements Disposable {
  readonly #path: string;
  readonly #Database: typeof DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #database: DatabaseSync | undefined;
  #usable = true;

  /** Opens nothing yet. */
  constructor(path: string, Database: typeof DatabaseSync) {
    this.#path = path;
    this.#Database = Database;
  }

  /** The rows of a query; none where there is no file. */
  read(query: string, ...parameters: Value[]): readonly Row[] {
    return this.#attempt(() => this.#exists() ? this.#prepare(query).all(...parameters) : []) ?? [];
  }

  /** Makes changes, all or none. The file is made where it is missing, and its folder for this user alone. */
  write(changes: readonly Change[]): void {
    this.#attempt(() => {
      if (!this.#exists()) Deno.mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      this.#transaction(() => {
        for (const [statement, ...parameters] of changes) this.#prepare(statement).run(...parameters);
      });
    });
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#usable = false;
    this.#statements.clear();
    try {
      this.#database?.close();
    } catch {
      // Closed by its own trouble.
    }
    this.#database = undefined;
  }

  #attempt<T>(work: () => T): T | undefined {
    if (!this.#usable) return undefined;
    try {
      return work();
    } catch {
      // To close it also ends a transaction.
      this[Symbol.dispose]();
      return undefined;
    }
  }

  #exists(): boolean {
    if (this.#database) return true;
    try {
      return Deno.statSync(this.#path).isFile;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  }

  #connect(): DatabaseSync {
    if (this.#database) return this.#database;
    const database = this.#database = new this.#Database(this.#path, { timeout: BUSY_TIMEOUT });
    // A cut of power must not leave a broken file to the other tools; SQL within the file is nothing to run.
    database.exec("PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF");
    const made = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?");
    if (made.all(LAST_TABLE).length === 0) this.#transaction(() => database.exec(SCHEMA));
    return database;
  }

  #prepare(statement: string): StatementSync {
    const known = this.#statements.get(statement);
    if (known) return known;
    const prepared = this.#connect().prepare(statement);
    this.#statements.set(statement, prepared);
    return prepared;
  }

  #transaction(work: () => void): void {
    const database = this.#connect();
    // Exclusive from its start, as the others do it: two readers that both want to write would end in a deadlock.
    database.exec("BEGIN EXCLUSIVE");
    work();
    database.exec("COMMIT");
  }
}
