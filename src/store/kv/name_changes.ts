import { applyNames } from "../names.ts";
import type { Database, KvChange, KvCheck, KvKey } from "../../kv/room.ts";
import type { Keys } from "./keys.ts";
import type { KvRecord } from "./record.ts";

/** A name that a record shall get. */
export interface Claim {
  /** The name. */
  readonly name: string;
  /** Id of the record that has it; `undefined` where nobody does. */
  readonly owner: string | undefined;
  /** Holds as long as that is so. */
  readonly check: KvCheck;
}

/** Looks up who has names. */
export async function claimNames(db: Database, keys: Keys, names: readonly string[]): Promise<Claim[]> {
  const entries = await db.getMany<string>(names.map((name) => keys.name(name)));
  return entries.map((check, i) => ({ name: names[i]!, owner: check.value ?? undefined, check }));
}

/** What must be committed so that a record has other names than before: those that others have are taken from them. */
export async function changeNames(
  db: Database,
  keys: Keys,
  id: string,
  before: readonly string[],
  wanted: readonly string[],
): Promise<Required<KvChange>> {
  const claims = await claimNames(db, keys, wanted.filter((name) => !before.includes(name)));
  const owners = new Set(claims.map(({ owner }) => owner).filter((owner) => owner !== undefined && owner !== id));
  const robbed = await db.getMany<KvRecord>([...owners].map((owner) => keys.image(owner!)));
  const robbedSets = robbed.filter(({ value }) => value !== null).map(({ key, value }) =>
    [key, { ...value!, names: applyNames(value!.names, "remove", wanted) }] as const
  );
  const namesSets = claims.map(({ check }): readonly [KvKey, unknown] => [check.key, id]);
  return {
    checks: [...claims.map(({ check }) => check), ...robbed],
    sets: [...robbedSets, ...namesSets],
    deletes: before.filter((name) => !wanted.includes(name)).map((name) => keys.name(name)),
  };
}
