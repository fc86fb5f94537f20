import type { ImageReference } from "../image/room.ts";
import { isManifestsError, NamedReference } from "../spec/room.ts";
import { resolveImage } from "../actions/room.ts";
import { REMOTE_RUNTIME } from "../system/remote/room.ts";
import type { Grant, HandlerAction } from "./authentication/types.ts";
import type { HandlerOptions } from "./options.ts";
import type { RequestLog } from "./events.ts";
import { badRequest, HandlerError } from "./handler_error.ts";
import { RepositoryRules } from "./repository_rules.ts";

/** Maximum length of an image name, in characters. 48 longer names might not fit into the record of a fan-in. */
export const MAX_IMAGE_LENGTH = 512;

const ACTIONS: readonly HandlerAction[] = ["compose", "append", "inspect", "validate", "fan-in"];

/** Parsed form of a grant. */
interface Rules {
  readonly name: string;
  readonly actions: readonly HandlerAction[] | undefined;
  readonly targets: RepositoryRules;
  readonly sources: RepositoryRules;
}

/** Rules of the handler, and the rules of each grant within them. */
export class Permissions {
  readonly #options: Pick<HandlerOptions, "targets" | "sources">;
  readonly #all: Rules;
  readonly #rules = new WeakMap<Grant, Rules>();

  /**
   * Parses the repository rules of the options and of the grants.
   *
   * @throws {TypeError} If `targets` is empty, or a repository rule or an action is invalid.
   */
  constructor(options: Pick<HandlerOptions, "targets" | "sources">, grants: readonly Grant[]) {
    if (options.targets.length === 0) throw new TypeError("Cannot create a handler: targets is empty");
    this.#options = options;
    this.#all = this.#parseGrant({});
    for (const grant of grants) this.#rules.set(grant, this.#parseGrant(grant));
  }

  /** Registries that may be called. */
  get registries(): string[] {
    return [...new Set([this.#all.targets, this.#all.sources].flatMap(({ domains }) => domains))];
  }

  /**
   * Returns what these grants allow for an endpoint; throws an error with status 403 if they allow nothing. The rules
   * that are used are noted in `log`.
   */
  at(action: HandlerAction, grants: readonly Grant[], log: RequestLog): Reach {
    const rules = grants.map((grant) => this.#rules.get(grant) ?? this.#parseGrant(grant))
      .filter(({ actions }) => actions === undefined || actions.includes(action));
    if (rules.length === 0) throw denied(`the caller has no permission for endpoint ${action}`);
    return new Reach(this.#all, rules, log);
  }

  #parseGrant(
    { name = "unnamed", actions, targets = this.#options.targets, sources = this.#options.sources ?? [] }: Grant,
  ): Rules {
    const unknown = actions?.find((action) => !ACTIONS.includes(action));
    if (unknown !== undefined) {
      throw new TypeError(`Cannot create a handler: unknown action ${JSON.stringify(unknown)} in a grant`);
    }
    return {
      name,
      actions,
      targets: new RepositoryRules(targets),
      sources: new RepositoryRules([...targets, ...sources]),
    };
  }
}

/** Images that a caller may name. */
export class Reach {
  readonly #all: Rules;
  readonly #rules: readonly Rules[];
  readonly #log: RequestLog;

  /** Takes the rules of the handler, those of the caller's grants, and where to note which ones are used. */
  constructor(all: Rules, rules: readonly Rules[], log: RequestLog) {
    this.#all = all;
    this.#rules = rules;
    this.#log = log;
  }

  /** Parses an image to write, named by tag. Throws an error with status 400 if invalid, 403 if not allowed. */
  target(name: string): ImageReference {
    const image = parseImage(name);
    if (image.dockerReference!.digest !== undefined) {
      throw badRequest(`target ${quote(name)} has a digest: name it by its tag`);
    }
    return this.#assertAllowed(image, "targets", "write");
  }

  /**
   * Parses an image to read. If its content is then written to `target`, one grant must allow both. Throws an error
   * with status 400 if invalid, 403 if not allowed.
   */
  source(name: string, target?: ImageReference): ImageReference {
    return this.#assertAllowed(parseImage(name), "sources", "read", target);
  }

  #assertAllowed(
    image: ImageReference,
    kind: "targets" | "sources",
    verb: string,
    target?: ImageReference,
  ): ImageReference {
    const allows = (rules: Rules) =>
      rules[kind].allow(image.dockerReference!) && (!target || rules.targets.allow(target.dockerReference!));
    const rule = allows(this.#all) ? this.#rules.find(allows) : undefined;
    if (rule) {
      this.#log.rules.add(rule.name);
      return image;
    }
    throw denied(`the caller has no permission to ${verb} ${image.dockerReference!.name}`);
  }
}

/** Parses an image name into its normalised form, so that rules compare equal names. */
function parseImage(name: string): ImageReference {
  try {
    const { dockerReference } = resolveImage(REMOTE_RUNTIME, name);
    const { domain } = dockerReference!;
    const named = new NamedReference({ ...dockerReference!, domain: domain.toLowerCase() });
    return resolveImage(REMOTE_RUNTIME, `docker://${named}`);
  } catch (error) {
    if (isManifestsError(error)) throw badRequest(`${quote(name)} is not the name of an image in a registry`);
    throw error;
  }
}

function denied(problem: string): HandlerError {
  return new HandlerError(403, { code: "DENIED", message: `Access denied: ${problem}` });
}

function quote(name: string): string {
  return JSON.stringify(name.slice(0, 100));
}
