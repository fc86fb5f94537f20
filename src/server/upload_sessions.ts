import { ApiError } from "./answers.ts";
import type { RegistryStorage, StoredUpload } from "./storage.ts";

/** Maximum time between two requests of a session, in milliseconds: 12 hours. */
const MAX_IDLE = 12 * 3600 * 1000;
/** Maximum number of sessions. A further one ends the idle session that was used least recently. */
const MAX_SESSIONS = 1000;

interface Entry {
  readonly upload: StoredUpload;
  readonly repository: string;
  /** When the session was last used, in milliseconds. */
  used: number;
  /** Number of requests that use the session or wait for it. */
  active: number;
  /** Settles when the last of these requests has ended. */
  last: Promise<unknown>;
}

/** Upload sessions of a registry. Each belongs to one repository and serves one request at a time. */
export class UploadSessions {
  readonly #storage: RegistryStorage;
  readonly #now: () => number;
  /** Sessions by id, the least recently used first. */
  readonly #entries = new Map<string, Entry>();

  constructor(storage: RegistryStorage, now: () => number) {
    this.#storage = storage;
    this.#now = now;
  }

  /** Opens a session and returns its id. Ends abandoned sessions. */
  async open(repository: string): Promise<string> {
    await this.#expire();
    const upload = await this.#storage.createUpload();
    const id = crypto.randomUUID();
    this.#entries.set(id, { upload, repository, used: this.#now(), active: 0, last: Promise.resolve() });
    return id;
  }

  /**
   * Runs work on a session when the work that was started before has ended.
   *
   * @throws {ApiError} With code `BLOB_UPLOAD_UNKNOWN` if the session does not exist, or belongs to another repository.
   */
  async use<T>(id: string, repository: string, work: (upload: StoredUpload) => Promise<T> | T): Promise<T> {
    await this.#expire();
    const entry = this.#getEntry(id, repository);
    entry.active++;
    this.#touch(id, entry);
    const turn = entry.last.then(() => work(this.#getEntry(id, repository).upload));
    entry.last = turn.catch(() => {});
    try {
      return await turn;
    } finally {
      entry.active--;
      this.#touch(id, entry);
    }
  }

  /** Forgets a session. From then on, the caller must finish or cancel its upload. */
  take(id: string): void {
    this.#entries.delete(id);
  }

  /** Ends a session and deletes its bytes. */
  async drop(id: string): Promise<void> {
    const entry = this.#entries.get(id);
    if (this.#entries.delete(id)) await entry!.upload.cancel();
  }

  #getEntry(id: string, repository: string): Entry {
    const entry = this.#entries.get(id);
    if (entry?.repository === repository) return entry;
    throw new ApiError("BLOB_UPLOAD_UNKNOWN", `blob upload unknown to registry: ${id}`);
  }

  #touch(id: string, entry: Entry): void {
    if (!this.#entries.delete(id)) return;
    entry.used = this.#now();
    this.#entries.set(id, entry);
  }

  async #expire(): Promise<void> {
    const idle = [...this.#entries].filter(([, { active }]) => active === 0);
    const expired = idle.filter(([, { used }], i) =>
      this.#now() - used > MAX_IDLE || this.#entries.size - i >= MAX_SESSIONS
    );
    for (const [id] of expired) await this.drop(id);
  }
}
