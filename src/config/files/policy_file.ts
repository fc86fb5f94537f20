import { ManifestsError } from "../../spec/mod.ts";
import { type ConfigurationChoices, homePath, implicitPath } from "./choices.ts";
import { type ReadFile, readOptional, readRequired } from "./host.ts";

const SYSTEM_FILE = "/etc/containers/policy.json";

/**
 * Reads `policy.json`: the file of the choices, else the user's where it is there, else the system's. There is no
 * policy that is built in: a file that is lost must not mean that everything is believed.
 *
 * @throws {ManifestsError} With code `POLICY_MISSING` where there is none, `CONFIG_FILE_UNREADABLE`.
 */
export async function readPolicyFile(choices: ConfigurationChoices = {}): Promise<ReadFile> {
  const given = choices.signaturePolicyPath;
  if (given) return { path: given, bytes: await readRequired(given, "signature policy") };
  const places = [homePath("policy.json"), implicitPath(SYSTEM_FILE, choices)].filter((path) => path !== undefined);
  for (const path of places) {
    const bytes = await readOptional(path);
    if (bytes) return { path, bytes };
  }
  throw new ManifestsError(
    "POLICY_MISSING",
    `Cannot judge images as no policy.json file is found at any of ${places.join(", ")}: write one, or pass a policy`,
  );
}
