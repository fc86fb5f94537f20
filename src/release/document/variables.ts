import { findSimilar } from "../../internal/room.ts";
import { failAt, type Place } from "./tree.ts";

/** Regular expression of the name of a variable. */
export const VARIABLE_NAME = "[A-Za-z_][A-Za-z0-9_]*";

/** Matches `$${` (a literal `${`), a variable, and a `${` that does not begin one. */
const USE_REGEXP = new RegExp(`\\$\\$\\{|\\$\\{(${VARIABLE_NAME})\\}|\\$\\{`, "g");

/** Sources of the values of variables; the first source that has a variable is used. */
export interface VariableSources {
  /** Values that the caller gave, such as `--var NAME=VALUE`. */
  readonly given: Readonly<Record<string, string>>;
  /** Returns an environment variable; `undefined` if it is not set. */
  readonly findEnv: (name: string) => string | undefined;
  /** Defaults in the file; `null`: the variable has none. */
  readonly defaults: Readonly<Record<string, string | null>>;
}

/** Replaces the variables of texts. */
export class Variables {
  readonly #sources: VariableSources;
  readonly #used = new Set<string>();

  constructor(sources: VariableSources) {
    this.#sources = sources;
  }

  /** Names of the given variables that neither the file declares nor a text uses. */
  get unused(): string[] {
    const { given, defaults } = this.#sources;
    return Object.keys(given).filter((name) => !this.#used.has(name) && !Object.hasOwn(defaults, name));
  }

  /** Names of variables that are used or declared. */
  get known(): string[] {
    return [...new Set([...this.#used, ...Object.keys(this.#sources.defaults)])];
  }

  /** Returns whether a text has a variable. */
  static isUsed(text: string): boolean {
    return text.match(USE_REGEXP)?.some((use) => use !== "$${") ?? false;
  }

  /**
   * Replaces the variables of a text. Values are not searched for further variables.
   *
   * @throws {ConfigFileError} If a variable has no value, or `${` does not begin one.
   */
  expand(text: string, at: Place): string {
    return text.replace(USE_REGEXP, (use, name?: string) => {
      if (use === "$${") return "${";
      if (name === undefined) {
        return failAt(
          at,
          'has "${" without the name of a variable: write ${NAME}, or $${ for the characters themselves',
        );
      }
      this.#used.add(name);
      return this.#find(name) ?? failAt(at, this.#explainMissing(name));
    });
  }

  #find(name: string): string | undefined {
    const { given, findEnv, defaults } = this.#sources;
    if (Object.hasOwn(given, name)) return given[name];
    return findEnv(name) ?? (Object.hasOwn(defaults, name) ? defaults[name] ?? undefined : undefined);
  }

  #explainMissing(name: string): string {
    const { given, defaults } = this.#sources;
    const similar = findSimilar(
      name,
      [...Object.keys(defaults), ...Object.keys(given)].filter((word) => word !== name),
    );
    const hint = similar === undefined ? "" : `: did you mean ${similar}?`;
    return `uses the variable ${name}, which is not set${
      hint || `: set it in the environment, with --var ${name}=VALUE, or under vars`
    }`;
  }
}
