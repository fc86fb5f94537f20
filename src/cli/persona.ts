/** Name of the tool whose behavior and output the command line imitates; `manifests` is its own. */
export type PersonaName = "manifests" | "podman" | "buildah";

/** Differences between the tools that scripts depend on. */
export interface Persona {
  /** Name of the imitated tool. */
  readonly name: PersonaName;
  /** Program, as messages name it before a subcommand. */
  readonly command: string;
  /** Formats the result line of `add`, `annotate` and `remove`. */
  formatChanged(imageId: string, digest: string): string;
  /** Formats the line about a name that `rm` removed. */
  formatUntagged(name: string): string;
  /** Formats the line about a list that `rm` deleted. */
  formatDeleted(imageId: string): string;
  /** Joins the error messages of one `rm`. */
  joinFailures(texts: readonly string[]): string;
  /** Exit code of `rm` if every list that failed was unknown. */
  readonly unknownExitCode: number;
  /** Formats the message about an annotation without `=`, of an entry or of a new list. */
  formatBadAnnotation(pair: string, of: "entry" | "list"): string;
  /** Returns the prefix of the message if `push` cannot find the list. */
  getPushPrefix(name: string): string;
  /** Returns the prefix of all error messages of `remove`. */
  getRemovePrefix(name: string): string;
  /** Returns the prefix of the message if the name of a new list is invalid. */
  getNamePrefix(name: string): string;
  /** Flags with which `add` and `create` choose an instance from a list. The other flags only set the recorded platform. */
  readonly choiceFlags: readonly ("os" | "arch" | "variant" | "osVersion" | "osFeatures")[];
  /** Whether `add` and `create` only warn about a platform that contradicts the image, instead of rejecting it. */
  readonly relabels: boolean;
  /** Whether `remove` also removes the attestations of an image. */
  readonly removesAttestations: boolean;
  /** Whether `inspect` shows the manifest of a single image, with a warning, instead of failing. */
  readonly inspectsSingleImages: boolean;
}

const manifests: Persona = {
  name: "manifests",
  command: "manifests",
  formatChanged: (imageId, digest) => `${imageId}: ${digest}`,
  formatUntagged: (name) => `Untagged: ${name}`,
  formatDeleted: (imageId) => `Deleted: ${imageId}`,
  joinFailures: (texts) => texts.join("; "),
  unknownExitCode: 1,
  formatBadAnnotation: (pair) => `no "=" found in annotation ${JSON.stringify(pair)}`,
  getPushPrefix: () => "",
  getRemovePrefix: () => "",
  getNamePrefix: () => "",
  choiceFlags: ["os", "arch", "variant", "osVersion", "osFeatures"],
  relabels: false,
  removesAttestations: true,
  inspectsSingleImages: true,
};

const PERSONAS: Readonly<Record<PersonaName, Persona>> = {
  manifests,
  podman: {
    ...manifests,
    name: "podman",
    command: "podman manifest",
    choiceFlags: [],
    relabels: true,
    removesAttestations: false,
    formatChanged: (imageId) => imageId,
    joinFailures: (texts) => texts.length === 1 ? texts[0]! : formatMultiError(texts),
    formatBadAnnotation: (pair, of) =>
      of === "list"
        ? `expected --annotation ${JSON.stringify(pair)} to be in key=value format`
        : `no value given for annotation ${JSON.stringify(pair)}`,
    getPushPrefix: (name) => `retrieving local image from image name ${name}: `,
    getRemovePrefix: (name) => `removing from manifest list ${name}: `,
    getNamePrefix: (name) => `normalizing name ${JSON.stringify(name)}: `,
  },
  buildah: {
    ...manifests,
    name: "buildah",
    command: "buildah manifest",
    choiceFlags: ["os", "arch", "variant"],
    relabels: true,
    removesAttestations: false,
    formatUntagged: (name) => `untagged: ${name}`,
    formatDeleted: (imageId) => imageId,
    joinFailures: (texts) => `${formatMultiError(texts)}\n`,
    unknownExitCode: 125,
    getNamePrefix: (name) =>
      `encountered while expanding image name ${JSON.stringify(name)}: parsing name ${JSON.stringify(name)}: `,
    inspectsSingleImages: false,
  },
};

/** Formats several errors as hashicorp/go-multierror does, with its blank line at the end. */
function formatMultiError(texts: readonly string[]): string {
  const count = `${texts.length} error${texts.length === 1 ? "" : "s"} occurred:`;
  return `${count}\n${texts.map((text) => `\t* ${text}\n`).join("")}\n`;
}

/**
 * Chooses the persona by `MANIFESTS_PERSONA`, or else by the name of the program; default: `manifests`.
 *
 * @param variable Value of `MANIFESTS_PERSONA`; `undefined` and `""`: not set.
 * @param calledAs Path or name with which the program was called.
 * @throws {RangeError} The variable names an unknown persona.
 */
export function choosePersona(variable: string | undefined, calledAs: string): Persona {
  if (variable) {
    const name = variable === "own" ? "manifests" : variable;
    if (Object.hasOwn(PERSONAS, name)) return PERSONAS[name as PersonaName];
    throw new RangeError(
      `MANIFESTS_PERSONA must be own, podman or buildah: current value is ${JSON.stringify(variable)}`,
    );
  }
  const base = calledAs.slice(calledAs.lastIndexOf("/") + 1);
  return PERSONAS[base.startsWith("podman") ? "podman" : base.startsWith("buildah") ? "buildah" : "manifests"];
}
