import type { ImageReference, SystemContext } from "../../image/room.ts";
import { allOrAbort, repeatWhileLost } from "../../internal/room.ts";
import { type Digest, digestOf, isManifestsError } from "../../spec/room.ts";
import { composeWith, type ProvenanceOptions, readManifestWith, resolveImage } from "../../actions/room.ts";
import { REMOTE_RUNTIME } from "../../system/remote/room.ts";
import { HandlerError } from "../handler_error.ts";
import { assertPlatforms } from "./platforms.ts";
import { listTags, type Plan, type Run, tagOf } from "./run.ts";
import type { Release } from "./runs.ts";

/** Maximum number of attempts to write tags that other runs change at the same time. */
const MAX_ATTEMPTS = 8;

/** Options for {@linkcode publishRun}. */
export interface PublishOptions {
  /** System context for the requests to registries. */
  readonly systemContext: SystemContext;
  /** Returns the indexes that the latest runs publish, for each of these tags. */
  releases(names: readonly string[]): Promise<readonly (readonly Release[])[]>;
  /** Records what will be written, before a tag is written. If it throws, nothing is written. */
  plan(plan: Plan): Promise<void>;
  /** Provenance to attach before a tag is written. Default: none. */
  readonly provenance?: ProvenanceOptions | undefined;
  /** Called when another writer has changed a tag, so that the work starts again. */
  onConflict(): void;
  /** Aborts the call with its reason. */
  readonly signal: AbortSignal;
}

/** Result of {@linkcode publishRun}. */
export interface Publication {
  /** Digest of the index that the tags have. */
  readonly digest: Digest;
  /** Further tags that were left unchanged because a newer run or another writer has changed them; without the name. */
  readonly superseded: readonly string[];
}

/**
 * Publishes the index of a run, except to tags that already have it. The bytes depend only on the run, so that repeating
 * the work after a crash writes the same index. A tag is overwritten only if it still has the digest that was recorded in
 * the plan, or the index of an earlier run.
 *
 * @throws {HandlerError} With code `SUPERSEDED` if the target has other content by now; it is left unchanged.
 * @throws {ManifestsError} With the codes of `composeIndex`.
 */
export async function publishRun(run: Run, options: PublishOptions): Promise<Publication> {
  const isLost = (error: unknown) => {
    const isConflict = isManifestsError(error, "CONFLICT");
    if (isConflict) options.onConflict();
    return isConflict;
  };
  let { plan } = run;
  const record = async (planned: Plan) => {
    plan = planned;
    await options.plan(planned);
  };
  const attempt = async (): Promise<Publication> => {
    const current = { ...run, plan };
    const { open, known } = await findOpenTags(current, options);
    if (open.some(({ name, mayWrite }) => name === run.target && !mayWrite)) throw superseded(run, known);
    const names = open.filter(({ mayWrite }) => mayWrite).map(({ name }) => name);
    if (names.length > 0 && !await writeTags(current, { ...options, names, known, plan: record })) {
      // A tag that already has the index is found now that its digest is known.
      return await attempt();
    }
    const left = open.filter(({ mayWrite }) => !mayWrite).map(({ name }) => tagOf(name));
    return { digest: plan!.digest, superseded: left };
  };
  return await repeatWhileLost(attempt, { isLost, maxAttempts: MAX_ATTEMPTS, signal: options.signal });
}

/** Composes the index and writes it; returns `false` if only its plan was recorded, because a tag already has it. */
async function writeTags(
  run: Run,
  { names, known, plan, provenance, systemContext, signal }: PublishOptions & {
    /** Tags to write, the first one before the others. */
    readonly names: readonly string[];
    /** Current digests of all tags. */
    readonly known: ReadonlyMap<string, Digest | null>;
  },
): Promise<boolean> {
  const [target, ...tags] = names as [string, ...string[]];
  const images = new Set(run.expected.map((platform) => run.reports[platform]!.image));
  try {
    await composeWith(REMOTE_RUNTIME, {
      target: `docker://${target}`,
      tags: tags.map((tag) => `docker://${tag}`),
      sources: Array.from(images, (image) => `docker://${image}`),
      annotations: run.annotations,
      all: true,
      // The plan needs the digest of the index before a tag is written.
      preserveDigests: true,
      provenance: provenance && describeRun(run, provenance),
      systemContext,
      signal,
      beforePush: async (list, manifest) => {
        assertPlatforms(list, run.expected, "the images");
        const digest = digestOf(manifest);
        const observed = Object.fromEntries(names.map((name) => [tagOf(name), known.get(name)!]));
        await plan({ before: { ...run.plan?.before, ...observed }, digest });
        if (names.some((name) => known.get(name) === digest)) throw new AlreadyPublished();
      },
      // A concurrent write to a tag fails with CONFLICT and is judged again: an earlier run must not win.
    }, { known });
    return true;
  } catch (error) {
    if (error instanceof AlreadyPublished) return false;
    throw error;
  }
}

/** Returns options for provenance that names the run. */
function describeRun({ run }: Run, { builder, ...rest }: ProvenanceOptions): ProvenanceOptions {
  return { ...rest, builder: { invocationId: run, ...builder } };
}

/** Reads the tags of a run. Returns those that do not have its index yet, and the digests of all. */
async function findOpenTags(run: Run, options: PublishOptions) {
  const names = listTags(run);
  const reads = names.map((name) => (signal: AbortSignal) => findDigest(name, { ...options, signal }));
  const digests = await allOrAbort(reads, options.signal);
  const known = new Map(names.map((name, i) => [name, digests[i]!]));
  const missing = names.filter((name) => !run.plan || known.get(name) !== run.plan.digest);
  const releases = missing.length > 0 ? await options.releases(missing) : [];
  const open = missing.map((name, i) => ({ name, mayWrite: mayWrite(run, name, known.get(name)!, releases[i]!) }));
  return { open, known };
}

/** Returns whether the run may overwrite the current content of a tag. */
function mayWrite({ plan, orders }: Run, name: string, current: Digest | null, releases: readonly Release[]): boolean {
  const others = releases.filter(({ digest }) => digest === current).map(({ order }) => order);
  if (others.some((other) => other > orders[tagOf(name)]!)) return false;
  return plan?.before[tagOf(name)] === undefined || current === plan.before[tagOf(name)] || others.length > 0;
}

/** Returns the digest of a tag; `null` if the tag does not exist. */
async function findDigest(
  name: string,
  { systemContext, signal }: Pick<PublishOptions, "systemContext" | "signal">,
): Promise<Digest | null> {
  const tag: ImageReference = resolveImage(REMOTE_RUNTIME, `docker://${name}`);
  try {
    return (await readManifestWith(REMOTE_RUNTIME, tag, { systemContext, signal })).digest;
  } catch (error) {
    if (isManifestsError(error, "NOT_FOUND")) return null;
    throw error;
  }
}

function superseded(run: Run, known: ReadonlyMap<string, Digest | null>): HandlerError {
  const message = `Cannot publish run ${run.run}: ${run.target} has been changed: current digest is ${
    known.get(run.target) ?? "none"
  }`;
  return new HandlerError(409, { code: "SUPERSEDED", message });
}

/** Stops composing, because a tag already has this index. */
class AlreadyPublished extends Error {}
