import { applyNames } from "../names.ts";
import type { Database, KvChange, KvCheck, KvKey } from "../../kv/room.ts";
import type { KvKeys } from "./keys.ts";
import type { KvRecord } from "./record.ts";

/** A name that a record is about to get. */
export interface NameClaim {
  /** Name to give to the record. */
  readonly name: string;
  /** Id of the record that has the name now; `undefined` if no record has it. */
  readonly owner: string | undefined;
  /** Condition that the owner is still the same. */
  readonly check: KvCheck;
}

/** Looks up the owners of names. */
export async function findOwners(db: Database, keys: KvKeys, names: readonly string[]): Promise<NameClaim[]> {
  const entries = await db.getMany<string>(names.map((name) => keys.name(name)));
  return entries.map((check, i) => ({ name: names[i]!, owner: check.value ?? undefined, check }));
}

/** Returns the changes to commit so that a record gets new names. Names that other records have move to this one. */
export async function changeNames(
  db: Database,
  keys: KvKeys,
  id: string,
  before: readonly string[],
  after: readonly string[],
): Promise<Required<KvChange>> {
  const claims = await findOwners(db, keys, after.filter((name) => !before.includes(name)));
  const owners = new Set(claims.map(({ owner }) => owner).filter((owner) => owner !== undefined && owner !== id));
  const others = await db.getMany<KvRecord>([...owners].map((owner) => keys.image(owner!)));
  const otherSets = others.filter(({ value }) => value !== null).map(({ key, value }) =>
    [key, { ...value!, names: applyNames(value!.names, "remove", after) }] as const
  );
  const namesSets = claims.map(({ check }): readonly [KvKey, unknown] => [check.key, id]);
  return {
    checks: [...claims.map(({ check }) => check), ...others],
    sets: [...otherSets, ...namesSets],
    deletes: before.filter((name) => !after.includes(name)).map((name) => keys.name(name)),
  };
}
