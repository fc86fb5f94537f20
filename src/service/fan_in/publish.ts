import type { ImageReference, SystemContext } from "../../image/room.ts";
import { repeatWhileLost } from "../../internal/room.ts";
import { type Digest, digestOf, isManifestsError } from "../../spec/room.ts";
import { type ProvenanceOptions, readManifestWith, resolveImage } from "../../actions/room.ts";
import { composeIndex } from "../../system/remote/room.ts";
import { REMOTE_RUNTIME } from "../../system/remote/room.ts";
import { HandlerError } from "../handler_error.ts";
import { assertPlatforms } from "./platforms.ts";
import type { Plan, Run } from "./run.ts";
import type { Release } from "./runs.ts";

/** Maximum number of attempts to write a tag that other runs change at the same time. */
const MAX_ATTEMPTS = 8;

/** Options for {@linkcode publishRun}. */
export interface PublishOptions {
  /** System context for the requests to registries. */
  readonly systemContext: SystemContext;
  /** Returns the indexes that the latest runs for the tag publish. */
  releases(): Promise<readonly Release[]>;
  /** Records what will be written, before the tag is written. If it throws, nothing is written. */
  plan(plan: Plan): Promise<void>;
  /** Provenance to attach before the tag is written. Default: none. */
  readonly provenance?: ProvenanceOptions | undefined;
  /** Aborts the call with its reason. */
  readonly signal: AbortSignal;
}

/**
 * Publishes the index of a run, unless the tag already has it. The bytes depend only on the run, so that repeating the
 * work after a crash writes the same index. The tag is overwritten only if it still has the digest that was recorded in
 * the plan, or the index of an earlier run.
 *
 * @throws {HandlerError} With code `SUPERSEDED` if the tag has other content by now; the tag is left unchanged.
 * @throws {ManifestsError} With the codes of `composeIndex`.
 */
export async function publishRun(run: Run, options: PublishOptions): Promise<void> {
  const target = resolveImage(REMOTE_RUNTIME, `docker://${run.target}`);
  let { plan } = run;
  await repeatWhileLost(async () => {
    const current = await findDigest(target, options);
    if (plan && current === plan.digest) return;
    if (!mayWrite({ ...run, plan }, current, await options.releases())) throw superseded(run, current);
    try {
      await composeIndex({
        target,
        sources: run.expected.map((platform) => `docker://${run.reports[platform]}`),
        annotations: run.annotations,
        all: true,
        // The plan needs the digest of the index before the tag is written.
        preserveDigests: true,
        // A concurrent write to the tag fails with CONFLICT and is judged again: an earlier run must not win.
        ifMatch: current,
        provenance: options.provenance && describeRun(run, options.provenance),
        systemContext: options.systemContext,
        signal: options.signal,
        beforePush: async (list, manifest) => {
          assertPlatforms(list, run.expected, "the images");
          plan = { before: current, digest: digestOf(manifest) };
          await options.plan(plan);
          if (plan.digest === current) throw new AlreadyPublished();
        },
      });
    } catch (error) {
      if (!(error instanceof AlreadyPublished)) throw error;
    }
  }, { isLost: (error) => isManifestsError(error, "CONFLICT"), maxAttempts: MAX_ATTEMPTS, signal: options.signal });
}

/** Returns options for provenance that names the run. */
function describeRun({ run }: Run, { builder, ...rest }: ProvenanceOptions): ProvenanceOptions {
  return { ...rest, builder: { invocationId: run, ...builder } };
}

/** Returns whether the run may overwrite the current content of the tag. */
function mayWrite({ plan, order }: Run, current: Digest | null, releases: readonly Release[]): boolean {
  const orders = releases.filter(({ digest }) => digest === current).map((release) => release.order);
  if (orders.some((other) => other > order)) return false;
  return !plan || current === plan.before || orders.length > 0;
}

/** Returns the digest of a tag; `null` if the tag does not exist. */
async function findDigest(
  target: ImageReference,
  { systemContext, signal }: PublishOptions,
): Promise<Digest | null> {
  try {
    return (await readManifestWith(REMOTE_RUNTIME, target, { systemContext, signal })).digest;
  } catch (error) {
    if (isManifestsError(error, "NOT_FOUND")) return null;
    throw error;
  }
}

function superseded(run: Run, current: Digest | null): HandlerError {
  const message = `Cannot publish run ${run.run}: ${run.target} has been changed: current digest is ${
    current ?? "none"
  }`;
  return new HandlerError(409, { code: "SUPERSEDED", message });
}

/** Stops composing, because the tag already has this index. */
class AlreadyPublished extends Error {}
