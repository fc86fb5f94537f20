import { dirname } from "@std/path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { LAST_TABLE, SCHEMA } from "./schema.ts";

/**
 * Maximum wait for a lock of another program, in milliseconds. Programs lock the file only for small transactions. The
 * wait blocks this process, so after this time it continues without the file.
 */
const BUSY_TIMEOUT = 2000;

/** A value of a column that is written. */
export type Value = string | Uint8Array<ArrayBuffer>;

/** A row that was read. Other programs write the file, so the columns can have any values. */
export type Row = Readonly<Record<string, unknown>>;

/** A writing statement with its parameters. */
export type Change = readonly [statement: string, ...parameters: Value[]];

/** An optional SQLite file: after the first error, it is closed, reads return no rows and writes are ignored. */
export class OptionalDatabase implements Disposable {
  readonly #path: string;
  readonly #Database: typeof DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #database: DatabaseSync | undefined;
  #usable = true;

  /** Creates the object; the file is opened on first use. */
  constructor(path: string, Database: typeof DatabaseSync) {
    this.#path = path;
    this.#Database = Database;
  }

  /** Returns the rows of a query; none if the file does not exist. */
  read(query: string, ...parameters: Value[]): readonly Row[] {
    return this.#attempt(() => this.#exists() ? this.#prepare(query).all(...parameters) : []) ?? [];
  }

  /** Makes all changes in one transaction. Creates the file if needed, and its folder with access for this user only. */
  write(changes: readonly Change[]): void {
    this.#attempt(() => {
      if (!this.#exists()) Deno.mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      this.#transaction(() => {
        for (const [statement, ...parameters] of changes) this.#prepare(statement).run(...parameters);
      });
    });
  }

  /** Closes the file; later calls do nothing. */
  [Symbol.dispose](): void {
    this.#usable = false;
    this.#statements.clear();
    try {
      this.#database?.close();
    } catch {
      // It failed before; there is nothing left to close.
    }
    this.#database = undefined;
  }

  #attempt<T>(work: () => T): T | undefined {
    if (!this.#usable) return undefined;
    try {
      return work();
    } catch {
      // Closing also rolls back an open transaction.
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
    // FULL: a power failure must not damage the file, which other tools share. OFF: SQL in the schema is not trusted.
    database.exec("PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF");
    const lastTable = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?");
    if (lastTable.all(LAST_TABLE).length === 0) this.#transaction(() => database.exec(SCHEMA));
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
    // Exclusive from the start, as c/image does: two transactions that both read first and then write would deadlock.
    database.exec("BEGIN EXCLUSIVE");
    work();
    database.exec("COMMIT");
  }
}
