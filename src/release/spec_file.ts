import { createPlatform, type Platform } from "../spec/room.ts";
import { checkTree } from "./document/check.ts";
import { FILLED } from "./document/formats.ts";
import type { ListRule, TextRule, ValueOf } from "./document/rules.ts";
import type { Tree } from "./document/tree.ts";
import { readYamlTree } from "./document/yaml_tree.ts";
import type { ReleaseSource } from "./types.ts";

/** An index as a file of manifest-tool describes it. */
export interface SpecFile {
  /** Names of the index: `image`, then its repository with each of `tags`. */
  readonly names: readonly string[];
  /** Annotations of the index. Empty: none. */
  readonly annotations: Readonly<Record<string, string>>;
  /** The images, with the platforms that the file declares. */
  readonly sources: readonly ReleaseSource[];
}

const TEXT = { kind: "text", description: "", format: FILLED } as const satisfies TextRule;
const TEXTS = { kind: "list", description: "", items: TEXT } as const satisfies ListRule;

const SPEC_RULE = {
  kind: "table",
  description: "",
  required: ["image", "manifests"],
  members: {
    image: TEXT,
    tags: TEXTS,
    annotations: { kind: "map", description: "", keys: FILLED, values: { kind: "text", description: "" } },
    manifests: {
      kind: "list",
      description: "",
      isFilled: true,
      items: {
        kind: "table",
        description: "",
        required: ["image"],
        members: {
          image: TEXT,
          platform: {
            kind: "table",
            description: "",
            members: {
              architecture: TEXT,
              os: TEXT,
              variant: TEXT,
              osversion: TEXT,
              "os.version": TEXT,
              osfeatures: TEXTS,
              "os.features": TEXTS,
            },
          },
        },
      },
    },
  },
} as const;

type SpecPlatform = NonNullable<ValueOf<typeof SPEC_RULE>["manifests"][number]["platform"]>;

/**
 * Reads a YAML file of manifest-tool (`push from-spec`). Unlike there, `os.version` and `os.features` have an effect,
 * and unknown keys are errors.
 *
 * @throws {ConfigFileError} With code `CONFIG_FILE_INVALID`; the message names file, line and key.
 */
export async function parseSpecFile(text: string, path: string): Promise<SpecFile> {
  return readSpecTree(await readYamlTree(text, path));
}

/** Reads the document of such a file; see {@linkcode parseSpecFile}. */
export function readSpecTree(tree: Tree): SpecFile {
  const { image, tags = [], annotations = {}, manifests } = checkTree(quoteScalars(tree), SPEC_RULE);
  return {
    names: [image, ...tags.map((tag) => `${withoutTag(image)}:${tag}`)],
    annotations,
    sources: manifests.map(({ image, platform }) => ({
      image,
      ...(platform ? { platform: readPlatform(platform) } : {}),
    })),
  };
}

/** Makes all plain values texts, as in manifest-tool: the tag 1.20 needs no quotes there. */
function quoteScalars(tree: Tree): Tree {
  if (tree.kind === "list") return { ...tree, items: tree.items.map(quoteScalars) };
  if (tree.kind === "scalar") return tree.value === null ? tree : { ...tree, isPlain: false };
  return { ...tree, members: new Map(Array.from(tree.members, ([key, value]) => [key, quoteScalars(value)])) };
}

function withoutTag(image: string): string {
  return image.replace(/(?::[^:/@]*)?(?:@.*)?$/, "");
}

function readPlatform(platform: SpecPlatform): Platform {
  const { os, architecture, variant } = platform;
  const osVersion = platform["os.version"] ?? platform.osversion;
  const osFeatures = platform["os.features"] ?? platform.osfeatures;
  return createPlatform({ os, architecture, variant, osVersion, osFeatures });
}
