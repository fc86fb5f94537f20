import type { ImageReference, SystemContext } from "../../image/room.ts";
import { repeatWhileLost } from "../../internal/room.ts";
import { type Digest, digestOf, isManifestsError } from "../../spec/room.ts";
import { readManifestWith, resolveImage } from "../../actions/room.ts";
import { composeIndex } from "../../system/remote/room.ts";
import { REMOTE_KIT } from "../../system/remote/room.ts";
import { Refusal } from "../refusal.ts";
import { requirePlatforms } from "./platforms.ts";
import type { Plan, Run } from "./run.ts";
import type { Release } from "./runs.ts";

/** How often it is tried to write a tag that other runs write too. */
const MAX_ATTEMPTS = 8;

/** What {@linkcode publishRun} needs. */
export interface PublishOptions {
  /** How to reach the registry. */
  readonly systemContext: SystemContext;
  /** What the latest runs for the tag publish. */
  releases(): Promise<readonly Release[]>;
  /** Writes down what will be written, before it is. What it throws ends the call: nothing is written then. */
  plan(plan: Plan): Promise<void>;
  /** Ends the call. */
  readonly signal: AbortSignal;
}

/**
 * Publishes what was reported for a run, unless that is done already. The bytes depend on nothing but the run, so who
 * does it again after somebody who died writes the same; and the tag is written only over what it meant when that was
 * planned, or over what an earlier run wrote since.
 *
 * @throws {Refusal} With code `SUPERSEDED` where the tag means something else by now: it stays so.
 * @throws {ManifestsError} As `composeIndex`.
 */
export async function publishRun(run: Run, options: PublishOptions): Promise<void> {
  const target = resolveImage(REMOTE_KIT, `docker://${run.target}`);
  let { plan } = run;
  await repeatWhileLost(async () => {
    const current = await digestAt(target, options);
    if (plan && current === plan.digest) return;
    if (!mayWrite({ ...run, plan }, current, await options.releases())) throw superseded(run, current);
    try {
      await composeIndex({
        target,
        sources: run.expected.map((platform) => `docker://${run.reports[platform]}`),
        annotations: run.annotations,
        all: true,
        // Else the digest would be known only when the tag is written.
        preserveDigests: true,
        // Fails, too, if a slower writer replaces the index: an earlier run may not stay above this one.
        ifMatch: current,
        systemContext: options.systemContext,
        signal: options.signal,
        beforePush: async (list) => {
          requirePlatforms(list, run.expected, "the images");
          plan = { before: current, digest: digestOf(list.serialize()) };
          await options.plan(plan);
          if (plan.digest === current) throw new AlreadyThere();
        },
      });
    } catch (error) {
      if (!(error instanceof AlreadyThere)) throw error;
    }
  }, { isLost: (error) => isManifestsError(error, "CONFLICT"), maxAttempts: MAX_ATTEMPTS, signal: options.signal });
}

/** Whether the tag may be written over what it means now. */
function mayWrite({ plan, order }: Run, current: Digest | null, releases: readonly Release[]): boolean {
  const orders = releases.filter(({ digest }) => digest === current).map((release) => release.order);
  if (orders.some((other) => other > order)) return false;
  return !plan || current === plan.before || orders.length > 0;
}

/** What a tag means; `null`: nothing. */
async function digestAt(
  target: ImageReference,
  { systemContext, signal }: PublishOptions,
): Promise<Digest | null> {
  try {
    return (await readManifestWith(REMOTE_KIT, target, { systemContext, signal })).digest;
  } catch (error) {
    if (isManifestsError(error, "NOT_FOUND")) return null;
    throw error;
  }
}

function superseded(run: Run, current: Digest | null): Refusal {
  const message = `Cannot publish run ${run.run} as ${run.target} means something else by now: ${current ?? "nothing"}`;
  return new Refusal(409, { code: "SUPERSEDED", message });
}

/** Ends the composing of an index that the tag means already. */
class AlreadyThere extends Error {}
