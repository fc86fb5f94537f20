import { isObject } from "../../json/room.ts";
import { ManifestsError } from "../../spec/room.ts";
import { decodeStrictBase64 } from "../../internal/room.ts";
import { type MemberNames, readMembers } from "../members.ts";
import type { KeyMaterial } from "./types.ts";

/** A position in a policy, for error messages. */
export class PolicyPlace {
  /** Creates a position: `file` is the name of the policy, `path` the member in it. Default: its outermost object. */
  constructor(readonly file: string, readonly path: string = "") {}

  /** Returns the position of a member or an item. */
  child(name: string | number): PolicyPlace {
    return new PolicyPlace(this.file, `${this.path}[${JSON.stringify(name)}]`);
  }

  /** Throws an error with code `POLICY_INVALID` that names the position. */
  fail(problem: string): never {
    const where = this.path === "" ? "" : ` at ${this.path}`;
    throw new ManifestsError("POLICY_INVALID", `Cannot use policy: invalid policy in ${this.file}${where}: ${problem}`);
  }

  /** Returns the items of a value that must be a non-empty array. */
  items(value: unknown): readonly unknown[] {
    if (value !== null && !Array.isArray(value)) this.fail("JSON array expected");
    if (value === null || value.length === 0) this.fail("List of verification policy requirements must not be empty");
    return value;
  }
}

/** An object of a policy with known members only, and typed access to them. */
export class PolicyObject {
  readonly #members: ReadonlyMap<string, unknown>;

  /** Throws an error with code `POLICY_INVALID` if a required member is missing or a member is unknown. */
  constructor(value: unknown, names: MemberNames, readonly place: PolicyPlace) {
    this.#members = readMembers(value, names, (problem) => place.fail(problem));
  }

  /** Whether the object has the member, with any value. */
  has(name: string): boolean {
    return this.#members.has(name);
  }

  /** Returns the untyped value of a member; `undefined` if it is missing. */
  get(name: string): unknown {
    return this.#members.get(name);
  }

  /** Returns a non-empty string; `undefined` if the member is missing. */
  text(name: string): string | undefined {
    if (!this.has(name)) return undefined;
    const value = this.#members.get(name);
    if (typeof value !== "string" || value === "") this.place.fail(`${name} must be a non-empty string`);
    return value;
  }

  /** Returns an array of strings; `undefined` if the member is missing. */
  strings(name: string): readonly string[] | undefined {
    if (!this.has(name)) return undefined;
    const value = this.#members.get(name);
    if (!Array.isArray(value) || !value.every((item) => typeof item === "string")) {
      this.place.fail(`${name} must be an array of strings`);
    }
    return value;
  }

  /** Returns which one of the members is present. At most one may be; with `required`, exactly one. */
  oneOf(names: readonly string[], required: boolean): string | undefined {
    const present = names.filter((name) => this.has(name));
    const rule = `${required ? "Exactly" : "At most"} one of ${listed(names)} must be specified`;
    if (required && present.length === 0) this.place.fail(`${rule}, none of them present`);
    if (present.length > 1) this.place.fail(`${rule}, more than one present`);
    return present[0];
  }

  /** Reads key material from a member whose name ends in `Path`, `Paths`, `Data` or `Datas`. */
  material(name: string): readonly KeyMaterial[] {
    const values = name.endsWith("s") ? this.strings(name)! : [this.#string(name)];
    if (/Paths?$/.test(name)) {
      if (values.includes("")) this.place.fail(`${name} must not be empty`);
      return values.map((path) => ({ path }));
    }
    return values.map((text) => {
      // Go's decoder ignores line breaks.
      const data = decodeStrictBase64(text.replace(/[\r\n]/g, ""));
      if (!data) this.place.fail(`${name}: illegal base64 data`);
      return { data };
    });
  }

  #string(name: string): string {
    const value = this.#members.get(name);
    if (typeof value !== "string") this.place.fail(`${name} must be a string`);
    return value;
  }
}

/** Returns the `type` of an object before its other members are read; empty if it has none. */
export function getType(value: unknown, place: PolicyPlace): string {
  if (!isObject(value)) place.fail("JSON object expected");
  return typeof value.type === "string" ? value.type : "";
}

function listed(names: readonly string[]): string {
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
