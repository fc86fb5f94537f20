import { type ImageReference, readManifest, type SystemContext } from "../image/mod.ts";
import type { CallOptions } from "../internal/mod.ts";
import { type Policy, type Verdict, verify, type VerifyOptions } from "../signature/mod.ts";
import { type Digest, entriesOf, isIndex } from "../spec/mod.ts";

/** Options of {@linkcode verifyReference}. */
export interface VerifyReferenceOptions extends Omit<CallOptions, "maxRetries">, Omit<VerifyOptions, "signal"> {
  /** How to reach the image. */
  readonly systemContext?: SystemContext | undefined;
}

/** What is to be thought of an image or list. */
export interface ReferenceVerdict {
  /** Whether all of it may be believed. */
  readonly allowed: boolean;
  /** The verdict about the image or the list itself. */
  readonly top: Verdict;
  /** Digest of the manifest that was judged. */
  readonly digest: Digest;
  /** The verdicts about the instances of a list, by digest. */
  readonly instances: ReadonlyMap<Digest, Verdict>;
}

/** Judges an image, or a list and each of its instances, under a policy. */
export async function verifyReference(
  reference: ImageReference,
  policy: Policy,
  options: VerifyReferenceOptions = {},
): Promise<ReferenceVerdict> {
  const { systemContext, ...rest } = options;
  const { signal } = options;
  await using source = await reference.openSource(systemContext);
  const judge = async (instance: Digest | undefined) => {
    const { digest, manifest } = await readManifest(source, { instance, signal });
    const isInstance = instance !== undefined;
    const verdict = await verify(
      {
        transport: reference.transport,
        identity: reference.policyConfigurationIdentity,
        namespaces: reference.policyConfigurationNamespaces,
        image: String(reference),
        dockerReference: reference.dockerReference,
        isInstance,
        manifest: manifest.bytes,
        digest,
        readSignatures: async () => await source.getSignatures?.({ digest, isInstance }, { signal }) ?? [],
      },
      policy,
      rest,
    );
    return { digest, manifest, verdict };
  };
  const { digest, manifest, verdict: top } = await judge(undefined);
  const instances = new Map<Digest, Verdict>();
  for (const entry of isIndex(manifest) ? entriesOf(manifest) : []) {
    if (!instances.has(entry.digest)) instances.set(entry.digest, (await judge(entry.digest)).verdict);
  }
  return { allowed: [top, ...instances.values()].every(({ allowed }) => allowed), top, digest, instances };
}
