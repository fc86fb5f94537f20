import { ConfigFileError } from "../config/room.ts";
import { findSimilar } from "../internal/room.ts";
import { checkTree } from "./document/check.ts";
import type { Tree } from "./document/tree.ts";
import { Variables } from "./document/variables.ts";
import { readYamlTree } from "./document/yaml_tree.ts";
import { findForeignFile } from "./foreign_files.ts";
import { findTree, readReleases } from "./read_releases.ts";
import { RELEASE_FILE_RULE, VARIABLES_RULE } from "./release_rules.ts";
import type { ReleaseFile } from "./types.ts";

/** Options for {@linkcode parseReleaseFile}. */
export interface ParseReleaseFileOptions {
  /** Path of the file, for messages. Default: `manifests.yaml`. */
  readonly path?: string | undefined;
  /** Values of variables, which replace those of the environment and the defaults of the file. Default: none. */
  readonly variables?: Readonly<Record<string, string>> | undefined;
  /** Returns the value of an environment variable; `undefined` if it is not set. Default: none is set. */
  readonly findEnv?: ((name: string) => string | undefined) | undefined;
  /** Names of the index for a list of images; further names for a file of manifest-tool. Default: none. */
  readonly to?: readonly string[] | undefined;
}

/**
 * Reads the text of a release file, of a file of manifest-tool, or of a list of images. Nothing else is read.
 *
 * @throws {ConfigFileError} With code `CONFIG_FILE_INVALID`; the message names file, line and key.
 */
export async function parseReleaseFile(text: string, options: ParseReleaseFileOptions = {}): Promise<ReleaseFile> {
  const { path = "manifests.yaml", variables: given = {}, findEnv = () => undefined, to = [] } = options;
  const tree = await readYamlTree(text, path);
  const foreign = findForeignFile(tree, text, { path, to });
  const variables = new Variables({ given, findEnv, defaults: foreign ? {} : readDefaults(tree) });
  if (foreign) {
    assertUsed(variables, path);
    return foreign;
  }
  if (to.length > 0) throw new ConfigFileError({ path }, "it names its targets itself: leave out --to");
  const checked = checkTree(tree, RELEASE_FILE_RULE, variables);
  assertUsed(variables, path);
  return { path, releases: readReleases(checked, tree) };
}

/** Reads the defaults of variables, before the texts that use them. */
function readDefaults(tree: Tree): Readonly<Record<string, string | null>> {
  const vars = findTree(tree, ["vars"]);
  return vars.key === "vars" ? checkTree(vars, VARIABLES_RULE) : {};
}

/** Checks that all given variables have an effect: a misspelled one could publish the wrong version. */
function assertUsed(variables: Variables, path: string): void {
  const [unused] = variables.unused;
  if (unused === undefined) return;
  const similar = findSimilar(unused, variables.known);
  const cure = similar === undefined ? "no text uses it" : `did you mean ${similar}?`;
  throw new ConfigFileError({ path }, `it has no variable ${unused}: ${cure}`);
}
