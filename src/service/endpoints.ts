import type { PushResult } from "../list/room.ts";
import type { SystemContext } from "../image/room.ts";
import { withoutAnswers } from "../registry/room.ts";
import { composeIndex } from "../system/remote/room.ts";
import { appendToIndex } from "../system/remote/room.ts";
import { inspectIndex, validateIndex } from "../system/remote/room.ts";
import type { HandlerAction } from "./authentication/types.ts";
import { Members } from "./members.ts";
import type { ResolvedLimits } from "./options.ts";
import { MAX_IMAGE_LENGTH, type Reach } from "./permissions.ts";

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
  return {
    async compose({ body, reach, signal }) {
      const members = new Members(body, ["target", "sources", "annotations", "all"]);
      const target = reach.target(members.string("target", MAX_IMAGE_LENGTH));
      const sources = members.strings("sources", sourceLimits).map((source) => reach.source(source, target));
      const annotations = members.annotations("annotations", limits.annotationBytes);
      const all = members.flag("all");
      return describePush(await composeIndex({ target, sources, annotations, all, systemContext, signal }));
    },
    async append({ body, reach, signal }) {
      const members = new Members(body, ["target", "sources", "create", "all"]);
      const target = reach.target(members.string("target", MAX_IMAGE_LENGTH));
      const sources = members.strings("sources", sourceLimits).map((source) => reach.source(source, target));
      const [create, all] = [members.flag("create"), members.flag("all")];
      return describePush(await appendToIndex(target, sources, { create, all, systemContext, signal }));
    },
    async inspect(call) {
      const described = await inspectIndex(imageOf(call), { systemContext, signal: call.signal });
      return { ...described, instances: described.instances.map(withoutProblemAnswers) };
    },
    async validate(call) {
      const validation = await validateIndex(imageOf(call), { systemContext, signal: call.signal });
      return { ...validation, problems: validation.problems.map(withoutProblemAnswers) };
    },
  };
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
