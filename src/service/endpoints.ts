import type { PushResult } from "../list/room.ts";
import type { SystemContext } from "../image/room.ts";
import { withoutAnswers } from "../registry/room.ts";
import { composeIndex } from "../system/remote/room.ts";
import { appendToIndex } from "../system/remote/room.ts";
import { inspectIndex, validateIndex } from "../system/remote/room.ts";
import type { HandlerAction } from "./authentication/types.ts";
import { findPlatform, formatPlatform } from "../spec/room.ts";
import { MAX_PLATFORM_LENGTH } from "./fan_in/platforms.ts";
import { badRequest } from "./refusal.ts";
import { Members } from "./members.ts";
import type { ResolvedLimits } from "./options.ts";
import { MAX_IMAGE_LENGTH, type Reach } from "./permissions.ts";

/** Members of requests about what sources contribute. */
const SOURCE_MEMBERS: readonly string[] = ["all", "platforms", "attestations"];

/** What an endpoint is called with. */
export interface Call {
  /** The JSON of the request; for a `GET`, its query. */
  readonly body: unknown;
  /** What the caller may name. */
  readonly reach: Reach;
  /** Ends the call. */
  readonly signal: AbortSignal;
}

/** Does what a request asks for, and returns what is answered, as JSON. */
export type Endpoint = (call: Call) => Promise<unknown>;

/** What endpoints work with. */
export interface EndpointOptions {
  /** How to reach the registries. */
  readonly systemContext: SystemContext;
  /** How much they take on. */
  readonly limits: ResolvedLimits;
}

/** The endpoints that change or look at an index in one call. */
export function createEndpoints(options: EndpointOptions): Record<Exclude<HandlerAction, "fan-in">, Endpoint> {
  const { systemContext, limits } = options;
  const sourceLimits = { maxCount: limits.sources, maxLength: MAX_IMAGE_LENGTH };
  const readSources = (members: Members) => ({
    all: members.flag("all", true),
    attestations: members.flag("attestations", true),
    platforms: members.optionalStrings("platforms", { maxCount: limits.sources, maxLength: MAX_PLATFORM_LENGTH })?.map(
      readPlatform,
    ),
  });
  return {
    async compose({ body, reach, signal }) {
      const members = new Members(body, ["target", "sources", "annotations", ...SOURCE_MEMBERS]);
      const target = reach.target(members.string("target", MAX_IMAGE_LENGTH));
      const sources = members.strings("sources", sourceLimits).map((source) => reach.source(source, target));
      const annotations = members.annotations("annotations", limits.annotationBytes);
      const options = { ...readSources(members), systemContext, signal };
      return describePush(await composeIndex({ target, sources, annotations, ...options }));
    },
    async append({ body, reach, signal }) {
      const members = new Members(body, ["target", "sources", "create", ...SOURCE_MEMBERS]);
      const target = reach.target(members.string("target", MAX_IMAGE_LENGTH));
      const sources = members.strings("sources", sourceLimits).map((source) => reach.source(source, target));
      const options = { create: members.flag("create"), ...readSources(members), systemContext, signal };
      return describePush(await appendToIndex(target, sources, options));
    },
    async inspect(call) {
      const described = await inspectIndex(imageOf(call), { systemContext, signal: call.signal });
      return {
        ...described,
        instances: described.instances.map((instance) => ({
          ...withoutProblemAnswers(instance),
          platform: instance.platform ? formatPlatform(instance.platform) : "",
        })),
      };
    },
    async validate(call) {
      const validation = await validateIndex(imageOf(call), { systemContext, signal: call.signal });
      const { problems, unchecked } = validation;
      return {
        ...validation,
        problems: problems.map(withoutProblemAnswers),
        unchecked: unchecked.map(withoutProblemAnswers),
      };
    },
  };
}

/** A platform in the form in which functions take it; throws a 400 if it is not one. */
function readPlatform(text: string): string {
  if (findPlatform(text)) return text;
  throw badRequest(`platforms has ${JSON.stringify(text)}, which is not a platform such as linux/arm64`);
}

function imageOf({ body, reach }: Call) {
  return reach.source(new Members(body, ["image"]).string("image", MAX_IMAGE_LENGTH));
}

function describePush({ instances, ...result }: PushResult) {
  return { ...result, instances: Object.fromEntries(instances) };
}

function withoutProblemAnswers<T extends { readonly problem?: string | undefined }>(about: T): T {
  return about.problem === undefined ? about : { ...about, problem: withoutAnswers(about.problem) };
}
