import type { Runtime } from "../actions/room.ts";
import type { SystemContext } from "../image/room.ts";
import type { AssemblyBuilder, Signer } from "../signature/room.ts";
import type { ReleaseLock } from "./lock.ts";
import type { DigestFolder, ReleaseSigner } from "./types.ts";

/** Opened signers; disposing them forgets their keys. */
export interface OpenedSigners extends AsyncDisposable {
  /** The signers, in the order in which they sign. */
  readonly signers: readonly Signer[];
}

/** The place of a lock file. */
export interface LockStore {
  /** Reads the lock; an empty one if there is none yet. */
  read(): Promise<ReleaseLock>;
  /**
   * Changes the lock in one step: `change` gets the newest lock, which other runs may have written, and the result
   * replaces it. An unchanged lock is not written.
   */
  update(change: (lock: ReleaseLock) => ReleaseLock): Promise<void>;
}

/** The environment of plans and their execution. */
export interface ReleaseHost {
  /** How images are read and written. */
  readonly runtime: Runtime;
  /** Returns the name of a source as the runtime resolves it, with absolute paths. Absent: names are used as they are. */
  locate?(image: string): string;
  /** Returns the images that a folder names, by digest. Absent: the host has no files. */
  readDigests?(folder: DigestFolder): Promise<readonly string[]>;
  /** Opens the keys that sign. Absent: the host has no secrets. */
  openSigners?(signers: readonly ReleaseSigner[]): Promise<OpenedSigners>;
  /** Describes the builder that provenance names, such as the CI job. Absent: an unknown builder. */
  findBuilder?(): AssemblyBuilder;
}

/** Options of all calls that connect to registries. */
export interface ReleaseCallOptions {
  /** Access to the registries: credentials, TLS, configuration files. */
  readonly systemContext?: SystemContext | undefined;
  /** Aborts the call, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}
