import type { ImageReference } from "../../image/room.ts";
import { allOrAbort, repeatWhileLost } from "../../internal/room.ts";
import { limitCredentials, type TransferOptions } from "../../copy/room.ts";
import { type Digest, isManifestsError } from "../../spec/room.ts";
import { keepConnections } from "../keep_connection.ts";
import type { Runtime } from "../runtime.ts";
import { assertOptions } from "./assert_options.ts";
import { type Composition, readComposition } from "./composition.ts";
import { assertProvenance, attachProvenance, openAllSigners, type WrittenIndex } from "./provenance.ts";
import { publish } from "./publish.ts";
import { groupByRepository, resolveTargets } from "./targets.ts";
import { describePlan } from "./describe_plan.ts";
import type { ComposeOptions, ComposeResult, CompositionOptions } from "./types.ts";

/** Options of {@linkcode composeWith} that only callers which have read the names set. */
export interface ComposeInternals {
  /**
   * Digests that the names have, by name; `null`: the name does not exist; `undefined`: that could not be read. Each name
   * is written under the condition that this is still so. Default: the names are read, and written without a condition.
   */
  readonly known?: ReadonlyMap<string, Digest | null | undefined> | undefined;
}

/** Makes an index of images and publishes it under all its names: `composeIndex` for any runtime. */
export async function composeWith(
  runtime: Runtime,
  given: ComposeOptions,
  internals: ComposeInternals = {},
): Promise<ComposeResult> {
  const { target, tags = [], signal, append = false, provenance } = given;
  assertOptions(given);
  assertProvenance(given);
  const references = resolveTargets(runtime, target, tags);
  if (references.length === 0 && (!given.dryRun || append)) {
    throw new TypeError("Cannot compose an index without a name: set target");
  }
  const systemContext = given.systemContext && limitCredentials(given.systemContext, references[0]);
  const limited = { ...given, systemContext };
  const firsts = groupByRepository(references).map(({ references: [first] }) => first!);
  await using _held = await keepConnections(firsts, systemContext);
  // The keys that sign the index are opened once: with provenance, they also sign in another form.
  await using opened = provenance ? await openAllSigners(runtime, limited) : undefined;
  const options = opened?.options ?? limited;
  const attempt = () => composeOnce(runtime, references, options, internals);
  if (!append) return await attempt();
  return await repeatWhileLost(attempt, { isLost: (error) => isManifestsError(error, "CONFLICT"), signal });
}

/** Reads the sources and the state of the names at the same time, then publishes. */
async function composeOnce(
  runtime: Runtime,
  references: readonly ImageReference[],
  options: ComposeOptions,
  { known }: ComposeInternals,
): Promise<ComposeResult> {
  const { beforePush, dryRun = false, provenance } = options;
  const heads = new Map(
    known && references.map((reference) => [reference, known.get(String(reference.dockerReference))]),
  );
  const startedOn = new Date();
  let composition: Composition | undefined;
  await allOrAbort([
    async (signal) => void (composition = await readComposition(runtime, references[0], { ...options, signal })),
    async (signal) => known ? undefined : await readHeads(references, heads, { ...options, signal }),
  ], options.signal);
  const { list, ...composed } = composition!;
  await beforePush?.(list, composed.manifest.bytes);
  if (dryRun) return await describePlan(runtime, references, heads, composition!, options);
  const hasAnnotations = Object.keys(options.annotations ?? {}).length > 0;
  const transfer = { ...getTransferOptions(options), manifestType: composed.manifestType, ifMatch: composed.ifMatch };
  const inputs = { references, composition: composition!, startedOn };
  const onContent = provenance && (async (written: WrittenIndex) => {
    await attachProvenance(runtime, written, { ...inputs, options: { ...options, provenance } });
  });
  const publication = {
    list,
    ...composed,
    references,
    heads,
    isConditional: known !== undefined,
    hasAnnotations,
    onContent,
  };
  return await publish(runtime, { ...publication, options: transfer });
}

/** Reads what the names are now, unless `ifMatch` says it. A name that cannot be read may still be written. */
async function readHeads(
  references: readonly ImageReference[],
  heads: Map<ImageReference, Digest | null | undefined>,
  { ifMatch, systemContext, signal }: Pick<TransferOptions, "ifMatch" | "systemContext" | "signal">,
): Promise<void> {
  const read = async (reference: ImageReference) => {
    await using destination = await reference.openDestination(systemContext);
    try {
      return await destination.findManifest?.({ headOnly: true, signal }) ?? null;
    } catch (error) {
      // Some registries answer so for a repository that does not exist before its first push.
      if (isManifestsError(error, "UNAUTHORIZED") || isManifestsError(error, "DENIED")) return undefined;
      throw error;
    }
  };
  const unknown = ifMatch === undefined ? references : references.slice(1);
  const found = await allOrAbort(unknown.map((reference) => () => read(reference)), signal);
  unknown.forEach((reference, i) => heads.set(reference, found[i]));
}

/** Returns the options that are for pushes: all but those that describe the composition. */
function getTransferOptions(options: ComposeOptions): TransferOptions {
  const { target: _target, tags: _tags, beforePush: _beforePush, dryRun: _dryRun, ...rest } = options;
  const transfer: Record<string, unknown> = { ...rest };
  for (const name of Object.keys(COMPOSITION_OPTIONS)) delete transfer[name];
  return transfer;
}

/** All options of the composition; the type makes the compiler report a missing one. */
const COMPOSITION_OPTIONS: Record<keyof CompositionOptions, true> = {
  sources: true,
  order: true,
  annotations: true,
  entryAnnotations: true,
  artifactType: true,
  subject: true,
  require: true,
  ignoreMissing: true,
  onMissing: true,
  wait: true,
  append: true,
  replace: true,
  preferIndex: true,
  nested: true,
  all: true,
  platforms: true,
  attestations: true,
  allowPlatformMismatch: true,
  onPlatformMismatch: true,
  provenance: true,
};
