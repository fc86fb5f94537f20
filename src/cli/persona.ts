/** The tool whose habits the command line takes on. */
export type PersonaName = "manifests" | "podman" | "buildah";

/** What differs between the tools, where one output cannot serve the scripts of both. */
export interface Persona {
  /** Its name. */
  readonly name: PersonaName;
  /** What stands before a subcommand in messages. */
  readonly command: string;
  /** The result line of `add`, `annotate` and `remove`. */
  changed(imageId: string, digest: string): string;
  /** The line about a name that `rm` took away. */
  untagged(name: string): string;
  /** The line about a list that `rm` deleted. */
  deleted(imageId: string): string;
  /** The text of the failures of one `rm`. */
  failures(texts: readonly string[]): string;
  /** Exit code of `rm` where every list that failed was unknown. */
  readonly unknownExitCode: number;
  /** What is said of an annotation without `=`, of an entry or of a new list. */
  badAnnotation(pair: string, of: "entry" | "list"): string;
  /** What stands before the failure to find the list of `push`. */
  pushPrefix(name: string): string;
  /** What stands before every failure of `remove`. */
  removePrefix(name: string): string;
  /** What stands before the failure to read a new list's name. */
  namePrefix(name: string): string;
  /** The flags by which `add` and `create` choose from a list; they only relabel with the others. */
  readonly choiceFlags: readonly ("os" | "arch" | "variant" | "osVersion" | "osFeatures")[];
  /** Whether `add` and `create` record what contradicts an image, with a warning, instead of refusing it. */
  readonly relabels: boolean;
  /** Whether `remove` also removes the attestations of an image. */
  readonly removesAttestations: boolean;
  /** Whether `inspect` shows what is no list, with a warning. */
  readonly inspectsSingleImages: boolean;
}

const manifests: Persona = {
  name: "manifests",
  command: "manifests",
  changed: (imageId, digest) => `${imageId}: ${digest}`,
  untagged: (name) => `Untagged: ${name}`,
  deleted: (imageId) => `Deleted: ${imageId}`,
  failures: (texts) => texts.join("; "),
  unknownExitCode: 1,
  badAnnotation: (pair) => `no "=" found in annotation ${JSON.stringify(pair)}`,
  pushPrefix: () => "",
  removePrefix: () => "",
  namePrefix: () => "",
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
    changed: (imageId) => imageId,
    failures: (texts) => texts.length === 1 ? texts[0]! : multiError(texts),
    badAnnotation: (pair, of) =>
      of === "list"
        ? `expected --annotation ${JSON.stringify(pair)} to be in key=value format`
        : `no value given for annotation ${JSON.stringify(pair)}`,
    pushPrefix: (name) => `retrieving local image from image name ${name}: `,
    removePrefix: (name) => `removing from manifest list ${name}: `,
    namePrefix: (name) => `normalizing name ${JSON.stringify(name)}: `,
  },
  buildah: {
    ...manifests,
    name: "buildah",
    command: "buildah manifest",
    choiceFlags: ["os", "arch", "variant"],
    relabels: true,
    removesAttestations: false,
    untagged: (name) => `untagged: ${name}`,
    deleted: (imageId) => imageId,
    failures: (texts) => `${multiError(texts)}\n`,
    unknownExitCode: 125,
    namePrefix: (name) =>
      `encountered while expanding image name ${JSON.stringify(name)}: parsing name ${JSON.stringify(name)}: `,
    inspectsSingleImages: false,
  },
};

/** Several errors as hashicorp/go-multierror writes them, with its blank line at the end. */
function multiError(texts: readonly string[]): string {
  const count = `${texts.length} error${texts.length === 1 ? "" : "s"} occurred:`;
  return `${count}\n${texts.map((text) => `\t* ${text}\n`).join("")}\n`;
}

/**
 * The persona that is asked for: by `MANIFESTS_PERSONA`, else by the name that the program was called by, else our own.
 *
 * @param calledAs The first word of the command line, a path or a name.
 */
export function choosePersona(wanted: string | undefined, calledAs: string): Persona {
  if (wanted) {
    const name = wanted === "own" ? "manifests" : wanted;
    if (Object.hasOwn(PERSONAS, name)) return PERSONAS[name as PersonaName];
    throw new RangeError(
      `MANIFESTS_PERSONA must be own, podman or buildah: current value is ${JSON.stringify(wanted)}`,
    );
  }
  const base = calledAs.slice(calledAs.lastIndexOf("/") + 1);
  return PERSONAS[base.startsWith("podman") ? "podman" : base.startsWith("buildah") ? "buildah" : "manifests"];
}
