import { findHome, mayRead, readOptional } from "../../config/files/room.ts";
import { ManifestsError } from "../../spec/room.ts";
import { parsePolicy, type Policy } from "../policy/mod.ts";
import { MAX_SIGNATURE_SIZE } from "../types.ts";

/** Options of {@linkcode loadPolicyFile}. */
export interface LoadPolicyFileOptions {
  /** Path of the policy file. Default: the user's `policy.json`, or else the system's. */
  readonly path?: string | undefined;
}

const SYSTEM_POLICY = "/etc/containers/policy.json";

/**
 * Reads the policy that podman, buildah and skopeo use: `~/.config/containers/policy.json`, or else
 * `/etc/containers/policy.json`. A missing policy is an error: no default policy is built in.
 *
 * @throws {ManifestsError} With code `POLICY_MISSING` if neither file exists, `POLICY_INVALID`, `LIMIT_EXCEEDED` above
 * 4 MiB, or `CONFIG_FILE_UNREADABLE`. A missing permission is an error too: skipping the user's policy could apply a
 * more permissive one of the system.
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
    `Cannot check images: no policy.json file found at any of the following: ${listed}; create one, name one ` +
      "(signaturePolicyPath, --signature-policy), or accept every image (--insecure-policy)",
  );
}

function defaultPaths(): string[] {
  const home = findHome();
  if (home) return [`${home}/.config/containers/policy.json`, SYSTEM_POLICY];
  failUnreadable(
    "the user's policy: the home folder is not known: set HOME and run with --allow-env=HOME, or name the file",
  );
}

/**
 * Reads a file of keys or certificates that a policy names: the `readFile` option of `evaluatePolicy`.
 *
 * @throws {ManifestsError} With code `CONFIG_FILE_UNREADABLE`, or `LIMIT_EXCEEDED` above 4 MiB.
 */
export async function readPolicyFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
  return await read(path) ?? failUnreadable(`${JSON.stringify(path)}: no such file or directory`);
}

async function read(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (!mayRead(path)) failUnreadable(`${JSON.stringify(path)}: permission denied: run with --allow-read=${path}`);
  const bytes = await readOptional(path);
  if (bytes && bytes.length > MAX_SIGNATURE_SIZE) {
    throw new ManifestsError(
      "LIMIT_EXCEEDED",
      `Cannot read ${JSON.stringify(path)}: it is larger than ${MAX_SIGNATURE_SIZE} bytes`,
    );
  }
  return bytes as Uint8Array<ArrayBuffer> | undefined;
}

function failUnreadable(what: string): never {
  throw new ManifestsError("CONFIG_FILE_UNREADABLE", `Cannot read ${what}`);
}
