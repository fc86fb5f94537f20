import type { List } from "../list/room.ts";

/** The content of an index, as one value for each place in it: the JSON of a member, by the JSON of its path. */
export type IndexFacts = ReadonlyMap<string, string>;

/** The facts that an edit changed; `undefined` for those that it removed. */
export type FactsChange = ReadonlyMap<string, string | undefined>;

/** The facts of a list, without the order of its instances. Of instances with one digest, each has its own. */
export function collectFacts(list: List): IndexFacts {
  const facts = new Map<string, string>();
  const note = (path: readonly unknown[], members: object) => {
    for (const [name, value] of Object.entries(members)) {
      if (value !== undefined) facts.set(JSON.stringify([...path, name]), JSON.stringify(value));
    }
  };
  const { manifests, annotations = {}, schemaVersion: _, ...index } = list.ociV1();
  note(["index"], index);
  note(["index", "annotations"], annotations);
  const features = list.docker().manifests?.map(({ platform }) => platform.features) ?? [];
  const occurrences = new Map<string, number>();
  for (const [i, { digest, platform = {}, annotations = {}, ...entry }] of (manifests ?? []).entries()) {
    const occurrence = occurrences.get(digest) ?? 0;
    occurrences.set(digest, occurrence + 1);
    const path = ["instance", digest, occurrence];
    note(path, { ...entry, features: features[i] });
    note([...path, "platform"], platform);
    note([...path, "annotations"], annotations);
  }
  return facts;
}

/** Returns the facts that differ between two states of a list. */
export function compareFacts(before: IndexFacts, after: IndexFacts): FactsChange {
  const places = new Set([...before.keys(), ...after.keys()]);
  const changed = [...places].filter((place) => before.get(place) !== after.get(place));
  return new Map(changed.map((place) => [place, after.get(place)]));
}

/** Returns true if a list has all changes of an edit, whatever else others have changed since. */
export function hasChange(list: List, change: FactsChange): boolean {
  const facts = collectFacts(list);
  return [...change].every(([place, value]) => facts.get(place) === value);
}
