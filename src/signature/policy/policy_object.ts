import { isObject } from "../../json/room.ts";
import { ManifestsError } from "../../spec/room.ts";
import { decodeStrictBase64 } from "../../internal/room.ts";
import { type MemberNames, readMembers } from "../members.ts";
import type { KeyMaterial } from "./types.ts";

/** A place in a policy, for errors. */
export class PolicyPlace {
  /** `file` names the policy; `path` the place in it. */
  constructor(readonly file: string, readonly path: string = "") {}

  /** The place of a member or an item. */
  child(name: string | number): PolicyPlace {
    return new PolicyPlace(this.file, `${this.path}[${JSON.stringify(name)}]`);
  }

  /** Throws `POLICY_INVALID`. */
  fail(problem: string): never {
    const where = this.path === "" ? "" : ` at ${this.path}`;
    throw new ManifestsError("POLICY_INVALID", `Cannot use policy: invalid policy in ${this.file}${where}: ${problem}`);
  }

  /** The items of an array that holds something. */
  items(value: unknown): readonly unknown[] {
    if (value !== null && !Array.isArray(value)) this.fail("JSON array expected");
    if (value === null || value.length === 0) this.fail("List of verification policy requirements must not be empty");
    return value;
  }
}

/** An object of a policy: its members are known, typed, and nothing else is there. */
export class PolicyObject {
  readonly #members: ReadonlyMap<string, unknown>;

  /** Throws `POLICY_INVALID` where the members are not those that are named. */
  constructor(value: unknown, names: MemberNames, readonly place: PolicyPlace) {
    this.#members = readMembers(value, names, (problem) => place.fail(problem));
  }

  /** Whether the member is there, whatever it is. */
  has(name: string): boolean {
    return this.#members.has(name);
  }

  /** The member as it is. */
  get(name: string): unknown {
    return this.#members.get(name);
  }

  /** A string that says something; `undefined` where it is not there. */
  text(name: string): string | undefined {
    if (!this.has(name)) return undefined;
    const value = this.#members.get(name);
    if (typeof value !== "string" || value === "") this.place.fail(`${name} must be a string that is not empty`);
    return value;
  }

  /** An array of strings; `undefined` where it is not there. */
  strings(name: string): readonly string[] | undefined {
    if (!this.has(name)) return undefined;
    const value = this.#members.get(name);
    if (!Array.isArray(value) || !value.every((item) => typeof item === "string")) {
      this.place.fail(`${name} must be an array of strings`);
    }
    return value;
  }

  /** Exactly one of some members, or, where `required` is `false`, at most one. */
  oneOf(names: readonly string[], required: boolean): string | undefined {
    const present = names.filter((name) => this.has(name));
    const rule = `${required ? "Exactly" : "At most"} one of ${listed(names)} must be specified`;
    if (required && present.length === 0) this.place.fail(`${rule}, none of them present`);
    if (present.length > 1) this.place.fail(`${rule}, more than one present`);
    return present[0];
  }

  /** What a member of the family `xPath`, `xPaths`, `xData`, `xDatas` says; the ending of its name tells which. */
  material(name: string): readonly KeyMaterial[] {
    const values = name.endsWith("s") ? this.strings(name)! : [this.#string(name)];
    if (/Paths?$/.test(name)) {
      if (values.includes("")) this.place.fail(`${name} must not be empty`);
      return values.map((path) => ({ path }));
    }
    return values.map((text) => {
      // Go's decoder passes over line breaks.
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

/** The `type` of an object, before its other members are looked at. */
export function getType(value: unknown, place: PolicyPlace): string {
  if (!isObject(value)) place.fail("JSON object expected");
  return typeof value.type === "string" ? value.type : "";
}

function listed(names: readonly string[]): string {
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
