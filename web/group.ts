import type { InspectedInstance } from "../src/actions/room.ts";

/** An image or a nested index with the attestations that are about it. */
export interface Group {
  /** The image or the nested index. */
  readonly instance: InspectedInstance;
  /** Its attestations. */
  readonly attestations: readonly InspectedInstance[];
}

/** Groups the attestations of an index under their images. Those of images that are not in it stay on their own. */
export function groupInstances(instances: readonly InspectedInstance[]): Group[] {
  const digests = new Set(instances.map(({ digest }) => digest as string));
  const isAttached = ({ attests, digest }: InspectedInstance) =>
    attests !== undefined && attests !== digest && digests.has(attests);
  const attestations = new Map<string, InspectedInstance[]>();
  for (const instance of instances.filter(isAttached)) {
    const own = attestations.get(instance.attests!) ?? [];
    own.push(instance);
    attestations.set(instance.attests!, own);
  }
  return instances.filter((instance) => !isAttached(instance)).map((instance) => ({
    instance,
    attestations: attestations.get(instance.digest) ?? [],
  }));
}
