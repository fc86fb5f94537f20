import { mayRead, readEnv, readOptional } from "../../config/files/room.ts";
import { ManifestsError } from "../../spec/room.ts";
import { parsePolicy, type Policy } from "../policy/mod.ts";
import { MAX_SIGNATURE_SIZE } from "../types.ts";

/** Options of {@linkcode loadPolicyFile}. */
export interface LoadPolicyFileOptions {
  /** The only file to read; default: the user's, or else the system's. */
  readonly path?: string | undefined;
}

const SYSTEM_POLICY = "/etc/containers/policy.json";

/**
 * Reads the policy that podman, buildah and skopeo obey: `~/.config/containers/policy.json`, or else
 * `/etc/containers/policy.json`. There is no other default: without a policy nothing is decided.
 *
 * @throws {ManifestsError} With code `POLICY_MISSING` where there is no such file, `POLICY_INVALID`, or
 * `CONFIG_FILE_UNREADABLE`, also where a permission is missing: the system's policy may be laxer than the user's.
 */
export async function loadPolicyFile(options: LoadPolicyFileOptions = {}): Promise<Policy> {
  const paths = options.path === undefined ? defaultPaths() : [options.path];
  for (const path of paths) {
    const bytes = await read(path);
    if (bytes) return parsePolicy(bytes, JSON.stringify(path));
  }
  const listed = paths.map((path) => JSON.stringify(path)).join(", ");
  throw new ManifestsError(
    "POLICY_MISSING",
    `Cannot decide about images as no policy.json file found at any of the following: ${listed}; write one, name one ` +
      "(signaturePolicyPath, --signature-policy), or accept anything expressly (--insecure-policy)",
  );
}

function defaultPaths(): string[] {
  const home = readEnv("HOME");
  if (home) return [`${home}/.config/containers/policy.json`, SYSTEM_POLICY];
  unreadable("the user's policy as HOME is not set or may not be read: run with --allow-env=HOME, or name the file");
}

/**
 * Reads a file of keys or certificates that a policy names, for `readFile` of `evaluatePolicy`.
 *
 * @throws {ManifestsError} With code `CONFIG_FILE_UNREADABLE`, or `LIMIT_EXCEEDED` above 4 MiB.
 */
export async function readPolicyFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
  return await read(path) ?? unreadable(`${path}: no such file or directory`);
}

async function read(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (!mayRead(path)) unreadable(`${path} as that is not allowed: run with --allow-read=${path}`);
  const bytes = await readOptional(path);
  if (bytes && bytes.length > MAX_SIGNATURE_SIZE) {
    throw new ManifestsError("LIMIT_EXCEEDED", `Cannot read ${path} as it is larger than ${MAX_SIGNATURE_SIZE} bytes`);
  }
  return bytes as Uint8Array<ArrayBuffer> | undefined;
}

function unreadable(what: string): never {
  throw new ManifestsError("CONFIG_FILE_UNREADABLE", `Cannot read ${what}`);
}
