import { encodeUtf8 } from "../../internal/room.ts";
import { isObject, parseJson } from "../../json/room.ts";
import { isManifestsError, ManifestsError } from "../../spec/room.ts";
import { parseRequirement } from "./parse_requirement.ts";
import { PolicyObject, PolicyPlace } from "./policy_object.ts";
import { isValidScope } from "./scope_syntax.ts";
import type { Policy, PolicyRequirement } from "./types.ts";

/**
 * Parses `policy.json` strictly: an unknown member is an error, because ignoring it could accept too many images.
 *
 * @param file Name of the policy in error messages.
 * @throws {ManifestsError} With code `POLICY_INVALID`.
 *
 * @example
 * ```ts
 * import { parsePolicy } from "@multiarch/manifests/signature";
 * import assert from "node:assert/strict";
 *
 * const text = '{"default":[{"type":"reject"}],"Transports":{}}';
 * assert.throws(() => parsePolicy(new TextEncoder().encode(text)), { code: "POLICY_INVALID" });
 * ```
 */
export function parsePolicy(bytes: Uint8Array, file: string = "policy"): Policy {
  try {
    return readPolicy(parseJson(bytes, file).value, new PolicyPlace(file));
  } catch (cause) {
    if (!isManifestsError(cause, "INVALID_JSON")) throw cause;
    throw new ManifestsError("POLICY_INVALID", `Cannot use policy: ${cause.message}`, { cause });
  }
}

/**
 * Creates a policy from an object with the structure of `policy.json`.
 *
 * @throws {ManifestsError} With code `POLICY_INVALID`.
 *
 * @example
 * ```ts
 * import { createPolicy } from "@multiarch/manifests/signature";
 * import assert from "node:assert/strict";
 *
 * const policy = createPolicy({
 *   default: [{ type: "reject" }],
 *   transports: { docker: { "quay.io/me": [{ type: "insecureAcceptAnything" }] } },
 * });
 * assert.equal(policy.transports.get("docker")?.get("quay.io/me")?.[0]?.type, "insecureAcceptAnything");
 * ```
 */
export function createPolicy(document: unknown): Policy {
  return parsePolicy(encodeUtf8(JSON.stringify(document) ?? ""));
}

function readPolicy(value: unknown, place: PolicyPlace): Policy {
  if (isObject(value) && !Object.hasOwn(value, "default")) place.fail("Default policy is missing");
  const object = new PolicyObject(value, { required: ["default"], optional: ["transports"] }, place);
  return {
    default: requirements(object.get("default"), place.child("default")),
    transports: object.has("transports")
      ? readMap(object.get("transports"), place.child("transports"), readScopes)
      : new Map(),
  };
}

function readScopes(transport: string, value: unknown, place: PolicyPlace) {
  return readMap(value, place, (scope, list, at) => {
    if (!isValidScope(transport, scope)) place.fail(`Unknown key ${JSON.stringify(scope)}`);
    return requirements(list, at);
  });
}

function readMap<T>(
  value: unknown,
  place: PolicyPlace,
  read: (key: string, member: unknown, place: PolicyPlace) => T,
): ReadonlyMap<string, T> {
  if (!isObject(value)) place.fail("JSON object expected");
  return new Map(Object.entries(value).map(([key, member]) => [key, read(key, member, place.child(key))]));
}

function requirements(value: unknown, place: PolicyPlace): readonly PolicyRequirement[] {
  return place.items(value).map((item, i) => parseRequirement(item, place.child(i)));
}
