import type { ImageReference } from "../image/room.ts";
import { isManifestsError, NamedReference } from "../spec/room.ts";
import { resolveImage } from "../actions/room.ts";
import { REMOTE_KIT } from "../system/remote/room.ts";
import type { Grant, HandlerAction } from "./authentication/types.ts";
import type { HandlerOptions } from "./options.ts";
import { badRequest, Refusal } from "./refusal.ts";
import { RepositoryRules } from "./repository_rules.ts";

/** Longest name of an image: much longer ones would not fit into records of a fan-in. */
export const MAX_IMAGE_LENGTH = 512;

const ACTIONS: readonly HandlerAction[] = ["compose", "append", "inspect", "validate", "fan-in"];

/** What one grant allows. */
interface Rules {
  readonly actions: readonly HandlerAction[] | undefined;
  readonly targets: RepositoryRules;
  readonly sources: RepositoryRules;
}

/** What anybody may do here, and what that leaves of each grant. */
export class Permissions {
  readonly #options: Pick<HandlerOptions, "targets" | "sources">;
  readonly #all: Rules;
  readonly #rules = new WeakMap<Grant, Rules>();

  /**
   * Parses what the options and the grants allow.
   *
   * @throws {TypeError} Where that is nothing, or no repository.
   */
  constructor(options: Pick<HandlerOptions, "targets" | "sources">, grants: readonly Grant[]) {
    if (options.targets.length === 0) throw new TypeError("Cannot create a handler as it has no targets");
    this.#options = options;
    this.#all = this.#rulesOf({});
    for (const grant of grants) this.#rules.set(grant, this.#rulesOf(grant));
  }

  /** All registries that requests may go to. */
  get registries(): string[] {
    return [...new Set([this.#all.targets, this.#all.sources].flatMap(({ domains }) => domains))];
  }

  /** What the bearer of these grants may do at one endpoint; throws a 403 where that is nothing. */
  at(action: HandlerAction, grants: readonly Grant[]): Reach {
    const rules = grants.map((grant) => this.#rules.get(grant) ?? this.#rulesOf(grant))
      .filter(({ actions }) => actions === undefined || actions.includes(action));
    if (rules.length === 0) throw denied(`the caller may not use ${action}`);
    return new Reach(this.#all, rules);
  }

  #rulesOf({ actions, targets = this.#options.targets, sources = this.#options.sources ?? [] }: Grant): Rules {
    const unknown = actions?.find((action) => !ACTIONS.includes(action));
    if (unknown !== undefined) throw new TypeError(`Cannot allow ${JSON.stringify(unknown)} as it is no endpoint`);
    return { actions, targets: new RepositoryRules(targets), sources: new RepositoryRules([...targets, ...sources]) };
  }
}

/** The images that a caller may name. */
export class Reach {
  readonly #all: Rules;
  readonly #rules: readonly Rules[];

  /** What anybody may do, and what the caller may. */
  constructor(all: Rules, rules: readonly Rules[]) {
    this.#all = all;
    this.#rules = rules;
  }

  /** An image that is written, by tag: 400 where it is none, 403 where the caller may not write it. */
  target(name: string): ImageReference {
    const image = parseImage(name);
    if (image.dockerReference!.digest !== undefined) throw badRequest(`${quote(name)} has a digest, not a tag`);
    return this.#require(image, "targets", "written");
  }

  /** An image that is read, and then written to `target`, if any: one grant must allow both. */
  source(name: string, target?: ImageReference): ImageReference {
    return this.#require(parseImage(name), "sources", "read", target);
  }

  #require(image: ImageReference, kind: "targets" | "sources", verb: string, target?: ImageReference): ImageReference {
    const allows = (rules: Rules) =>
      rules[kind].allow(image.dockerReference!) && (!target || rules.targets.allow(target.dockerReference!));
    if (allows(this.#all) && this.#rules.some(allows)) return image;
    throw denied(`${image.dockerReference!.name} may not be ${verb} by the caller`);
  }
}

/** The image that a caller names, in a form that is the same however it was written. */
function parseImage(name: string): ImageReference {
  try {
    const { dockerReference } = resolveImage(REMOTE_KIT, name);
    const { domain } = dockerReference!;
    const named = new NamedReference({ ...dockerReference!, domain: domain.toLowerCase() });
    return resolveImage(REMOTE_KIT, `docker://${named}`);
  } catch (error) {
    if (isManifestsError(error)) throw badRequest(`${quote(name)} names no image in a registry`);
    throw error;
  }
}

function denied(problem: string): Refusal {
  return new Refusal(403, { code: "DENIED", message: `Cannot do that as ${problem}` });
}

function quote(name: string): string {
  return JSON.stringify(name.slice(0, 100));
}
