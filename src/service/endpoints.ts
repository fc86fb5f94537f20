import { formatInspection, type ProvenanceOptions } from "../actions/room.ts";
import type { PushResult } from "../list/room.ts";
import type { ImageReference, SystemContext } from "../image/room.ts";
import { withoutAnswers } from "../registry/room.ts";
import { composeIndex } from "../system/remote/room.ts";
import { appendToIndex } from "../system/remote/room.ts";
import { inspectIndex, validateIndex } from "../system/remote/room.ts";
import type { HandlerAction } from "./authentication/types.ts";
import { findPlatform, isTag } from "../spec/room.ts";
import { MAX_PLATFORM_LENGTH } from "./fan_in/platforms.ts";
import { badRequest } from "./handler_error.ts";
import { Members } from "./members.ts";
import type { ResolvedLimits } from "./options.ts";
import { MAX_IMAGE_LENGTH, type Reach } from "./permissions.ts";

/** Request members that select which entries of the sources are taken. */
const SOURCE_MEMBERS: readonly string[] = ["all", "platforms", "attestations"];

/** Authenticated request, as an endpoint gets it. */
export interface Call {
  /** Parsed JSON body; for a `GET`, the query parameters. */
  readonly body: unknown;
  /** Images that the caller may name. */
  readonly reach: Reach;
  /** Aborts the call with its reason. */
  readonly signal: AbortSignal;
}

/** Handles a request and returns the value that is answered as JSON. */
export type Endpoint = (call: Call) => Promise<unknown>;

/** Context and limits for {@linkcode createEndpoints}, shared by all requests. */
export interface EndpointOptions {
  /** System context for the requests to registries. */
  readonly systemContext: SystemContext;
  /** Limits on the size of requests. */
  readonly limits: ResolvedLimits;
  /** Provenance to attach to each composed index. Default: none. */
  readonly provenance?: ProvenanceOptions | undefined;
}

/** Creates the endpoints that change or inspect an index in one call. */
export function createEndpoints(options: EndpointOptions): Record<Exclude<HandlerAction, "fan-in">, Endpoint> {
  const { systemContext, limits, provenance } = options;
  const sourceLimits = { maxCount: limits.sources, maxLength: MAX_IMAGE_LENGTH };
  const readSources = (members: Members) => ({
    all: members.flag("all", true),
    attestations: members.flag("attestations", true),
    platforms: members.optionalStrings("platforms", { maxCount: limits.sources, maxLength: MAX_PLATFORM_LENGTH })?.map(
      assertPlatformText,
    ),
  });
  return {
    async compose({ body, reach, signal }) {
      const members = new Members(body, ["target", "tags", "sources", "annotations", ...SOURCE_MEMBERS]);
      const target = reach.target(members.string("target", MAX_IMAGE_LENGTH));
      const tags = members.optionalStrings("tags", sourceLimits)?.map((tag) => reach.target(completeTag(tag, target)));
      const sources = members.strings("sources", sourceLimits).map((source) => {
        for (const tag of tags ?? []) reach.source(source, tag);
        return reach.source(source, target);
      });
      const annotations = members.annotations("annotations", limits.annotationBytes);
      const options = { ...readSources(members), systemContext, signal };
      const { manifest: _, published, ...pushed } = await composeIndex({
        target,
        tags,
        sources,
        annotations,
        provenance,
        ...options,
      });
      return { ...describePush(pushed), ...(tags ? { published } : {}) };
    },
    async append({ body, reach, signal }) {
      const members = new Members(body, ["target", "sources", "create", ...SOURCE_MEMBERS]);
      const target = reach.target(members.string("target", MAX_IMAGE_LENGTH));
      const sources = members.strings("sources", sourceLimits).map((source) => reach.source(source, target));
      const options = { create: members.flag("create"), ...readSources(members), systemContext, signal };
      return describePush(await appendToIndex(target, sources, options));
    },
    async inspect(call) {
      const described = await inspectIndex(readImage(call), { systemContext, signal: call.signal });
      return formatInspection(described, withoutAnswers);
    },
    async validate(call) {
      const validation = await validateIndex(readImage(call), { systemContext, signal: call.signal });
      const { problems, unchecked } = validation;
      return {
        ...validation,
        problems: problems.map(withoutProblemAnswers),
        unchecked: unchecked.map(withoutProblemAnswers),
      };
    },
  };
}

/** Returns the full name for a tag alone, which means a tag in the repository of the target. */
function completeTag(tag: string, { dockerReference }: ImageReference): string {
  return isTag(tag) ? `${dockerReference!.name}:${tag}` : tag;
}

/** Returns the text if it is a platform; otherwise throws an error with status 400. */
function assertPlatformText(text: string): string {
  if (findPlatform(text)) return text;
  throw badRequest(`platforms contains ${JSON.stringify(text)}, which is not a platform such as linux/arm64`);
}

function readImage({ body, reach }: Call) {
  return reach.source(new Members(body, ["image"]).string("image", MAX_IMAGE_LENGTH));
}

function describePush({ instances, ...result }: PushResult) {
  return { ...result, instances: Object.fromEntries(instances) };
}

function withoutProblemAnswers<T extends { readonly problem?: string | undefined }>(item: T): T {
  return item.problem === undefined ? item : { ...item, problem: withoutAnswers(item.problem) };
}
